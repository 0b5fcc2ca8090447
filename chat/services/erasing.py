"""What serving keeps of a person, found and destroyed: rows, wordings, vectors, cached answers."""

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet
from django.db.models.deletion import Collector

from chat import limits
from chat.answer_cache import AnswerCache
from chat.knowledge.questions import normalized
from chat.libraries import forget_vectors
from chat.models import (
    AnswerRevision,
    Bot,
    Conversation,
    CuratedAnswer,
    Message,
    QuestionVariant,
    Visitor,
)
from chat.services import knowledge, publishing
from moderation.services import erasing

MOST_FOUND = 50
_AT_ONCE = 500
_RATES = (
    "CHAT_RATE_MESSAGES_PER_VISITOR",
    "CHAT_RATE_LEFT_MESSAGES_PER_VISITOR",
    "CHAT_RATE_EVENTS_PER_VISITOR",
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Belongings:
    """What hangs on some conversations of one bot.

    ``scopes`` are their public ids. ``said`` holds what the customers wrote, normalised, with the
    time at which they wrote it first; ``texts`` the same as it is stored. ``messages`` are
    the public ids of what the bot said.
    """

    bot: Bot
    conversations: tuple[int, ...]
    scopes: frozenset[str]
    messages: tuple[str, ...]
    said: Mapping[str, datetime]
    texts: frozenset[str]


def find_visitors(bots: QuerySet[Bot], said: str) -> list[Visitor]:
    """Visitors of ``bots`` by their own or a conversation's public id, or by an e-mail address,
    phone number or the like that they gave; newest first, :data:`MOST_FOUND` at most.

    Nothing is decrypted to find them.
    """
    said = said.strip()
    visitors = Visitor.objects.filter(bot__in=bots).select_related("bot")
    try:
        public_id = uuid.UUID(said)
    except ValueError:
        scopes = [each for each in erasing.scopes_naming(said) if _is_uuid(each)]
        pks = {
            pk
            for some in _parts(scopes)
            for pk in Conversation.objects.filter(
                visitor__bot__in=bots, public_id__in=some
            ).values_list("visitor", flat=True)
        }
        return list(visitors.filter(pk__in=sorted(pks)[-MOST_FOUND:]).order_by("-pk"))
    of_conversation = visitors.filter(conversations__public_id=public_id)
    return list(visitors.filter(public_id=public_id) or of_conversation)


def belongings(bot: Bot, conversations: Iterable[Conversation]) -> Belongings:
    """What hangs on these conversations of ``bot``."""
    rows = list(conversations)
    said: dict[str, datetime] = {}
    texts: set[str] = set()
    replies: list[str] = []
    for some in _parts([each.pk for each in rows]):
        messages = Message.objects.filter(conversation__in=some)
        for public_id, role, text, at in messages.values_list(
            "public_id", "role", "text", "created_at"
        ):
            if role == Message.Role.CUSTOMER:
                texts.add(text)
                if wording := normalized(text):
                    said[wording] = min(at, said.get(wording, at))
            else:
                replies.append(str(public_id))
    return Belongings(
        bot=bot,
        conversations=tuple(each.pk for each in rows),
        scopes=frozenset(str(each.public_id) for each in rows),
        messages=tuple(replies),
        said=said,
        texts=frozenset(texts),
    )


def count(rows: QuerySet[Any], found: Belongings) -> Counter[str]:
    """What :func:`erase` would erase of ``rows`` and of what hangs on them, by kind of row."""
    collector = Collector(using=rows.db, origin=rows)
    collector.collect(rows)
    pks: dict[str, set[Any]] = {}
    for model, instances in collector.data.items():
        pks[_label(model)] = {each.pk for each in instances}
    for each in collector.fast_deletes:
        # One row may hang on two others that go.
        pks.setdefault(_label(each.model), set()).update(each.values_list("pk", flat=True))
    counts = Counter({label: len(each) for label, each in pks.items()})
    counts += erasing.count(found.scopes)
    counts["wordings"] = len(_wordings_of(found))
    return +counts


@transaction.atomic
def erase(rows: QuerySet[Any], found: Belongings, *, with_wordings: bool) -> Counter[str]:
    """Delete ``rows`` (a visitor, or conversations) and what hangs on them; returns how many.

    Runners stop what they were writing for them. ``with_wordings``: those that approved answers
    have from these customers alone are taken out, too, and an answer without another one goes
    out of use. What Valkey holds is left to :func:`forget`.
    """
    _stop(found)
    counts = _forget_wordings(found) if with_wordings else Counter()
    _deleted, by_model = rows.delete()
    counts += Counter({label.lower(): number for label, number in by_model.items()})
    counts += erasing.erase(found.scopes)
    forget_vectors(found.texts)
    if counts["chat.dispute"]:
        publishing.call_runners("knowledge", bot=found.bot.pk)
    return +counts


def forget(bot: int, messages: Collection[str], visitors: Collection[int]) -> bool:
    """Take from Valkey what came of these messages and visitors (their numbers in the database).

    False: it could not be reached, and has to be asked again. Counters of visitors who asked a
    question cannot be undone and name nobody.
    """
    forgotten = AnswerCache().forget(bot, set(messages))
    return forgotten and all(limits.forget(rule, str(each)) for rule in _RATES for each in visitors)


def _stop(found: Belongings) -> None:
    for some in _parts(found.conversations):
        running = Message.objects.filter(
            conversation__in=some, status__in=[Message.Status.PENDING, Message.Status.GENERATING]
        )
        for public_id in running.values_list("public_id", flat=True):
            publishing.call_runners("cancelled", message_id=str(public_id))


def _forget_wordings(found: Belongings) -> Counter[str]:
    theirs = _wordings_of(found)
    if not theirs:
        return Counter()
    touched = CuratedAnswer.objects.filter(pk__in={answer for answer, _ in theirs})
    for answer in touched.select_for_update():
        _take_out(answer, {wording for pk, wording in theirs if pk == answer.pk})
    knowledge.announce([found.bot])
    return Counter(wordings=len(theirs))


def _take_out(answer: CuratedAnswer, wordings: Set[str]) -> None:
    """Remove wordings (normalised) from an answer and all its versions."""
    removed = list(answer.variants.filter(normalized__in=wordings).values_list("text", flat=True))
    answer.variants.filter(normalized__in=wordings).delete()
    for revision in answer.revisions.all():
        gone = [each for each in revision.questions if normalized(each) in wordings]
        kept = [each for each in revision.questions if each not in gone]
        if gone:
            AnswerRevision.objects.filter(pk=revision.pk).update(questions=kept)
        removed += gone
    changes: dict[str, Any] = {}
    if any(answer.key.startswith(knowledge.stem_of(each)) for each in removed):
        changes["key"] = f"answer-{answer.public_id.hex}"
    if not answer.variants.exists():
        changes["is_active"] = False
    if changes:
        CuratedAnswer.objects.filter(pk=answer.pk).update(**changes)


def _wordings_of(found: Belongings) -> set[tuple[int, str]]:
    """Answers and wordings that they have from these customers: none of their versions had the
    wording before a customer wrote it."""
    if not found.said:
        return set()
    known: dict[tuple[int, str], datetime] = {}
    revisions = AnswerRevision.objects.filter(answer__bot=found.bot)
    for answer, questions, at in revisions.values_list(
        "answer", "questions", "created_at"
    ).iterator():
        for wording in map(normalized, questions):
            if wording in found.said:
                known[answer, wording] = min(at, known.get((answer, wording), at))
    for some in _parts(sorted(found.said)):
        variants = QuestionVariant.objects.filter(answer__bot=found.bot, normalized__in=some)
        for answer, wording, at in variants.values_list(
            "answer", "normalized", "answer__created_at"
        ):
            known.setdefault((answer, wording), at)
    return {place for place, at in known.items() if at >= found.said[place[1]]}


def _parts(values: Collection[T]) -> Iterator[list[T]]:
    """SQLite takes a bounded number of parameters."""
    listed = list(values)
    return (listed[at : at + _AT_ONCE] for at in range(0, len(listed), _AT_ONCE))


def _label(model: type[Model]) -> str:
    return str(model._meta.label_lower)  # noqa: SLF001 - Django's own name for it


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
