"""Votes as evaluation data: questions whose right answer people agreed on, asked of every model."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import QuerySet

from chat.models import Bot, Conversation, Message, ShadowAnswer
from chat.services.notices import notice_text
from training.evaluation.regression import Case
from training.frozen import FrozenRow
from training.models import ShadowVote, VotedCase
from training.services.gathering import turns_before
from training.services.importing import screen_of

SOURCE = "vote"
_AT_ONCE = 500
_ONE = (ShadowVote.Choice.CHAMPION, ShadowVote.Choice.CANDIDATE)


def settle(answer: ShadowAnswer) -> VotedCase | None:
    """Keep the answer that all votes for one of the two name, or nothing while they contradict.

    "Both right" and "both wrong" name none, and contradict none. What the policy for training data does not let pass is
    not kept.
    """
    votes = ShadowVote.objects.filter(answer=answer)
    named = set(votes.filter(choice__in=_ONE).values_list("choice", flat=True))
    live = answer.message
    fields = _agreed(answer, named.pop()) if len(named) == 1 else None
    if fields is None:
        VotedCase.objects.filter(message=live).delete()
        return None
    case, _is_new = VotedCase.objects.update_or_create(message=live, defaults=fields)
    return case


def _agreed(answer: ShadowAnswer, choice: str) -> dict[str, Any] | None:
    live = answer.message
    is_candidates = choice == ShadowVote.Choice.CANDIDATE
    source, text = (answer.source, answer.text) if is_candidates else (live.source, live.text)
    hands_over = source == Message.Source.NOTICE
    if hands_over:
        text = notice_text("unanswered", live.conversation.locale)
    turns = turns_before(live, live.reply_to) if live.reply_to else ()
    if not turns:
        return None
    said = [*turns, {"role": "assistant", "content": text}]
    screened = screen_of(answer.shadow.bot).conversation(said)  # type: ignore[arg-type]  # a turn
    if screened.blocked:
        return None
    *before, last = screened.messages
    return {
        "bot": answer.shadow.bot,
        "locale": live.conversation.locale,
        "turns": before,
        "text": last["content"],
        "hands_over": hands_over,
    }


def cases(bot: Bot) -> list[Case]:
    """What every model of the bot is asked. Where somebody has put the answer right, that counts."""
    agreed = VotedCase.objects.filter(bot=bot, message__corrections=None)
    return [Case(str(each.public_id), _row(each)) for each in agreed]


def of_conversations(conversations: Iterable[Conversation]) -> list[VotedCase]:
    """What stems from them: it is erased with its visitor."""
    return [each for rows in _parts(list(conversations)) for each in rows]


def _parts(conversations: Sequence[Conversation]) -> Iterator[QuerySet[VotedCase]]:
    for at in range(0, len(conversations), _AT_ONCE):
        some = conversations[at : at + _AT_ONCE]
        yield VotedCase.objects.filter(message__conversation__in=some)


def _row(case: VotedCase) -> FrozenRow:
    return FrozenRow(
        id=str(case.public_id),
        messages=(*case.turns, {"role": "assistant", "content": case.text}),
        group="",
        cluster="",
        split="test",
        locale=case.locale,
        scenario="other",
        hands_over=case.hands_over,
        source=SOURCE,
        licence="",
    )
