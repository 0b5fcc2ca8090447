"""Which answers of live conversations are worth a reviewer's time, and in which order.

Nothing a visitor types reaches a model by this: proposals wait for people. One visitor proposes
three a day at most and a hundredth of a dataset, and what many ask is one decision.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Case, F, When
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.knowledge.embedding import Vectors
from chat.knowledge.questions import normalized
from chat.libraries import LibraryShelf, embedded, embedded_before
from chat.models import Bot, Conversation, Message
from moderation.actors import named
from moderation.services import audit
from training.models import Dataset, Example, ReviewItem, Scenario
from training.risks import risks_of
from training.services.gathering import Found, Reason, found_of, masked, newest_of
from training.services.importing import screen_of

LOOK_BACK = timedelta(days=31)
WEEK = timedelta(days=7)
PER_VISITOR_AND_DAY = 3
PER_SOURCE = 0.01
"""The most of a dataset that may come from one visitor, as a share; of a small one, a day's."""
ALIKE = 0.93
"""Cosine above which two questions are one decision."""
MOST_AT_ONCE = 500

_WEIGHTS = {
    Reason.ASKED: 3.0,
    Reason.DISLIKED: 2.0,
    Reason.CORRECTED: 1.8,
    Reason.TAKEN_OVER: 1.8,
    Reason.UNANSWERED: 1.5,
    Reason.LIKED: 0.5,
}


class NotProposed(ValueError):
    """There is nothing to propose; the text says why, to a person."""


def propose(bot: Bot, shelf: LibraryShelf | None = None) -> int:
    """Put what the conversations of the last month taught into the queue; returns how many are new.

    What was proposed before is not proposed again. Raises ``EmbeddingError``.
    """
    shelf = shelf or LibraryShelf()
    screen = screen_of(bot)
    kept = filter(
        None, (masked(each, screen) for each in found_of(bot, timezone.now() - LOOK_BACK))
    )
    found = list(islice(_within_caps(bot, kept), MOST_AT_ONCE))
    items = _added(bot, found, shelf)
    _recount(bot)
    return len(items)


def propose_conversation(
    conversation: Conversation, *, by: User, shelf: LibraryShelf | None = None
) -> list[ReviewItem]:
    """Put the last answer of a conversation into the queue because ``by`` wants it looked at.

    Returns what of the conversation is in the queue then. Raises :class:`NotProposed`, when it
    says nothing that may be learned, and ``EmbeddingError``.
    """
    known = list(ReviewItem.objects.filter(conversation=conversation).order_by("id"))
    if known:
        return known
    newest = newest_of(conversation)
    if newest is None:
        raise NotProposed(_("Nobody has answered a question in this conversation yet."))
    kept = masked(newest, screen_of(conversation.bot))
    if kept is None:
        raise NotProposed(_("The policy for training data does not let this conversation pass."))
    items = _added(conversation.bot, [kept], shelf or LibraryShelf(), by=by)
    _recount(conversation.bot)
    return items


def is_too_much_of(dataset: Dataset, conversation: Conversation) -> bool:
    """Whether the visitor of ``conversation`` has as many examples in ``dataset`` as one may."""
    approved = dataset.examples.filter(status=Example.Status.APPROVED)
    of_visitor = approved.filter(conversation__visitor=conversation.visitor_id).count()
    return of_visitor >= _most_of_one(approved.count())


def _most_of_one(size: int) -> int:
    return max(PER_VISITOR_AND_DAY, int(PER_SOURCE * size))


def _within_caps(bot: Bot, found: Iterable[Found]) -> Iterator[Found]:
    """What one visitor may add: some a day, and a small part of what is learned."""
    a_day: Counter[tuple[int, object]] = Counter()
    known = ReviewItem.objects.filter(
        bot=bot, message__created_at__gte=timezone.now() - LOOK_BACK
    ).values_list("conversation__visitor", "message__created_at")
    for visitor, created in known:
        a_day[visitor, created.date()] += 1
    in_all = _of_visitors(bot)
    learned = Example.objects.filter(dataset__bot=bot, status=Example.Status.APPROVED).count()
    for each in found:
        visitor = each.message.conversation.visitor_id
        day = (visitor, each.message.created_at.date())
        if (
            a_day[day] < PER_VISITOR_AND_DAY
            and in_all[visitor] < _most_of_one(learned)
            and normalized(each.question)
        ):
            a_day[day] += 1
            in_all[visitor] += 1
            yield each


def _of_visitors(bot: Bot) -> Counter[int]:
    """How many proposals each visitor has that wait or were approved."""
    counted = ReviewItem.objects.filter(bot=bot).exclude(status=ReviewItem.Status.REJECTED)
    return Counter(counted.values_list("conversation__visitor", flat=True))


def _added(
    bot: Bot, found: list[Found], shelf: LibraryShelf, *, by: User | None = None
) -> list[ReviewItem]:
    if not found:
        return []
    vectors = embedded([each.question for each in found], shelf.embedder)
    groups = _Groups(bot, shelf)
    distances = _distances(bot, vectors, shelf)
    with transaction.atomic():
        items = [
            _add(bot, each, groups.of(each, vector), distance)
            for each, vector, distance in zip(found, vectors, distances, strict=True)
        ]
        audit.record(
            "examples.proposed", bot=bot.slug, facts={"proposals": len(items)}, by=named(by)
        )
    return items


class _Groups:
    """Questions that one decision may answer, those of the queue included."""

    def __init__(self, bot: Bot, shelf: LibraryShelf) -> None:
        waiting = ReviewItem.objects.filter(bot=bot, status=ReviewItem.Status.OPEN)
        items = [(each.locale, each.question, each.cluster) for each in waiting]
        known = embedded_before({question for _, question, _ in items}, shelf.embedder)
        self._known: dict[str, list[tuple[Vectors, str]]] = defaultdict(list)
        for locale, question, cluster in items:
            if question in known:
                self._known[locale].append((known[question], cluster))

    def of(self, found: Found, vector: Vectors) -> str:
        locale = found.message.conversation.locale
        known = self._known[locale]
        if known:
            likeness = np.stack([other for other, _ in known]) @ vector
            nearest = int(likeness.argmax())
            if likeness[nearest] >= ALIKE:
                return known[nearest][1]
        wording = f"{locale} {normalized(found.question)}"
        cluster = hashlib.sha256(wording.encode()).hexdigest()[:32]
        known.append((vector, cluster))
        return cluster


def _distances(bot: Bot, vectors: Vectors, shelf: LibraryShelf) -> list[float]:
    """How far each question is from everything that models of this bot learn from, 0 to 1."""
    examples = Example.objects.filter(dataset__bot=bot, status=Example.Status.APPROVED)
    known = embedded_before({each.question for each in examples.iterator()}, shelf.embedder)
    if not known:
        return [1.0] * len(vectors)
    nearest = (vectors @ np.stack(list(known.values())).T).max(axis=1)
    return [float(min(1.0, max(0.05, 1 - each))) for each in nearest]


def _add(bot: Bot, found: Found, cluster: str, distance: float) -> ReviewItem:
    message = found.message
    turns = list(found.turns)
    doubt = 1.0 - (message.confidence if message.confidence is not None else 0.5)
    item = ReviewItem(
        bot=bot,
        conversation=message.conversation,
        message=message,
        reason=found.reason,
        locale=message.conversation.locale,
        scenario=_scenario(bot, message),
        turns=turns,
        answer=found.answer,
        original={"turns": turns, "answer": found.answer},
        failed=found.failed,
        text_author=found.author,
        cluster=cluster,
        # For one customer; how many asked is multiplied in when they are counted.
        value=round((0.1 + doubt) * _WEIGHTS[found.reason] * distance, 4),
    )
    item.risks = risks_of(item)
    item.is_risky = bool(item.risks)
    item.save()
    return item


def _recount(bot: Bot) -> None:
    """How many conversations of the last week each group of the queue covers, and its value by it."""
    asked = _asked_this_week(bot)
    groups: dict[str, set[int]] = defaultdict(set)
    waiting = list(ReviewItem.objects.filter(bot=bot, status=ReviewItem.Status.OPEN))
    for item in waiting:
        same = asked.get((item.locale, normalized(item.question)), ())
        groups[item.cluster] |= {item.conversation_id, *same}
    changed = {
        item.pk: len(groups[item.cluster])
        for item in waiting
        if item.covers != len(groups[item.cluster])
    }
    pks = list(changed)
    for start in range(0, len(pks), MOST_AT_ONCE):
        some = pks[start : start + MOST_AT_ONCE]
        covers = Case(*(When(pk=pk, then=changed[pk]) for pk in some))
        ReviewItem.objects.filter(pk__in=some).update(
            value=F("value") / F("covers") * covers, covers=covers
        )


def _asked_this_week(bot: Bot) -> dict[tuple[str, str], set[int]]:
    """The conversations in which each question was asked, by language and normalised wording."""
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    said = Message.objects.filter(
        conversation__bot=bot, role=Message.Role.CUSTOMER, created_at__gte=timezone.now() - WEEK
    ).values_list("conversation__locale", "text", "conversation")
    for locale, text, conversation in said.iterator(chunk_size=2000):
        found[locale, normalized(text)].add(conversation)
    return found


def _scenario(bot: Bot, message: Message) -> str:
    """That of the examples with the same answer, or none in particular."""
    answer = message.curated_answer
    if answer is None:
        return Scenario.OTHER
    known = Example.objects.filter(dataset__bot=bot, group=answer.key).values_list(
        "scenario", flat=True
    )
    return str(known.first() or Scenario.OTHER)
