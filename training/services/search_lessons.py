"""What a search learns from: questions, and the approved answer that each asks for."""

from collections.abc import Sequence

from chat.knowledge.questions import normalized
from chat.models import Bot, QuestionVariant
from training.frozen import FrozenRow
from training.services.preparing import answers_by_text, joined


def lessons(rows: Sequence[FrozenRow], bot: Bot) -> tuple[list[str], list[int | None]]:
    """Questions to learn from and the number of the answer of each, from 0 on: those of the split
    ``train`` as serving looks them up, and the approved wordings that are not held out. None is the
    answer of those that are handed over."""
    said = answers_by_text(bot)
    taught: list[tuple[str, int | None]] = []
    for row in rows:
        answer = said.get((row.locale, normalized(row.answer)))
        if row.split == "train" and (row.hands_over or answer is not None):
            asked = joined(row) or row.question
            taught.append((asked, None if row.hands_over else answer))
    held_out = {(row.locale, normalized(row.question)) for row in rows if row.split != "train"}
    approved = QuestionVariant.objects.filter(answer__bot=bot, answer__is_active=True)
    taught += [
        (text, answer)
        for text, key, answer, locale in approved.order_by("pk").values_list(
            "text", "normalized", "answer_id", "answer__locale"
        )
        if (locale, key) not in held_out
    ]
    taught = list(dict.fromkeys(taught))
    known = sorted({answer for _, answer in taught if answer is not None})
    numbers: dict[int | None, int | None] = {answer: at for at, answer in enumerate(known)}
    return [text for text, _ in taught], [numbers.get(answer) for _, answer in taught]
