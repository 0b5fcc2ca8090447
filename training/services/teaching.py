"""From a dataset to knowledge: what was reviewed there, a bot may say from now on."""

from collections import defaultdict

from django.contrib.auth.models import User

from chat.knowledge.questions import normalized
from chat.models import CuratedAnswer, QuestionVariant
from chat.services import knowledge
from chat.services.knowledge import Draft
from training.frozen import FrozenRow
from training.models import DatasetVersion
from training.services import freezing

MOST_WORDINGS = 40
"""Of one answer: more of them cost memory and find nothing new."""


def teach(version: DatasetVersion, *, author: User | None) -> tuple[int, int]:
    """Give the bot of a dataset the answers and wordings of the split ``train``.

    An answer group that the bot does not know becomes a curated answer; one that it knows gets
    the wordings that are new. Questions of other splits stay unseen. Returns how many answers
    are new and how many changed. Raises ``InvalidAnswer`` and ``DatasetDamaged``.
    """
    bot = version.dataset.bot
    new = changed = 0
    by_group: dict[tuple[str, str], list[FrozenRow]] = defaultdict(list)
    for row in freezing.rows_of(version):
        if row.split == "train" and row.group and not row.hands_over and not row.is_dialogue:
            by_group[row.locale, row.group].append(row)
    for locale in sorted({locale for locale, _ in by_group}):
        # A question with two answers is nobody's: neither could be served.
        known_questions = QuestionVariant.objects.filter(
            answer__bot=bot, answer__locale=locale
        ).values_list("normalized", "answer__key")
        taken = dict(known_questions)
        drafts = []
        for (its_locale, group), rows in by_group.items():
            if its_locale == locale:
                known = CuratedAnswer.objects.filter(bot=bot, locale=locale, key=group).first()
                if draft := _draft(group, rows, known, taken):
                    drafts.append(draft)
        made = knowledge.save_all(bot, locale, drafts, author=author)
        new, changed = new + made[0], changed + made[1]
    return new, changed


def _draft(
    group: str, rows: list[FrozenRow], known: CuratedAnswer | None, taken: dict[str, str]
) -> Draft | None:
    """The answer with its new wordings; None when there is nothing new."""
    questions = list(known.variants.values_list("text", flat=True)) if known else []
    before = len(questions)
    for row in rows:
        key = normalized(row.question)
        if key and len(questions) < MOST_WORDINGS and taken.setdefault(key, group) == group:
            questions.append(row.question)
    questions = list({normalized(each): each for each in reversed(questions)}.values())[::-1]
    if (len(questions) <= before and known) or not questions:
        return None
    return Draft(
        questions=tuple(questions),
        text=known.text if known else rows[0].answer,
        key=group,
        topic=known.topic if known else rows[0].scenario,
    )
