"""Which answers of live conversations are worth a reviewer's time, and in which order.

Nothing a visitor types reaches a model by this: proposals wait for people. One visitor proposes
three a day at most and a hundredth of a dataset, and what many ask is one decision.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Case, F, Q, When
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.inference.engine import ChatMessage
from chat.knowledge.embedding import Vectors
from chat.knowledge.questions import normalized
from chat.libraries import LibraryShelf, embedded, embedded_before
from chat.models import Bot, Conversation, Feedback, Message
from moderation import injection
from moderation.actors import named
from moderation.services import audit
from training.models import Dataset, Example, ReviewItem, Scenario
from training.risks import risks_of
from training.screening import Screen
from training.services.importing import screen_of

LOOK_BACK = timedelta(days=31)
WEEK = timedelta(days=7)
PER_VISITOR_AND_DAY = 3
PER_SOURCE = 0.01
"""The most of a dataset that may come from one visitor, as a share; of a small one, a day's."""
ALIKE = 0.93
"""Cosine above which two questions are one decision."""
MOST_AT_ONCE = 500
SATISFIED = 5
DISSATISFIED = 2
"""Ratings from which on, and up to which, a conversation says something about its answers."""

Reason = ReviewItem.Reason
_UNANSWERED = ("unanswered", "unsure", "withheld")
_SPOKEN = {
    Message.Role.CUSTOMER: "user",
    Message.Role.ASSISTANT: "assistant",
    Message.Role.AGENT: "assistant",
}
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


@dataclass(frozen=True, slots=True)
class _Found:
    """An answer worth a look, before anything is known of others like it.

    ``turns`` lead to the question; ``author`` wrote ``answer``, nobody did when the bot said it.
    """

    message: Message
    reason: Reason
    turns: tuple[ChatMessage, ...]
    answer: str
    failed: str = ""
    author: User | None = None

    @property
    def question(self) -> str:
        return str(self.turns[-1]["content"])


def propose(bot: Bot, shelf: LibraryShelf | None = None) -> int:
    """Put what the conversations of the last month taught into the queue; returns how many are new.

    What was proposed before is not proposed again. Raises ``EmbeddingError``.
    """
    shelf = shelf or LibraryShelf()
    screen = screen_of(bot)
    kept = filter(None, (_kept(each, screen) for each in _found(bot, timezone.now() - LOOK_BACK)))
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
    answers = _answers(Q(conversation=conversation))
    classified = filter(None, (_classified(each, asked=True) for each in answers))
    newest = next(classified, None)
    if newest is None:
        raise NotProposed(_("Nobody has answered a question in this conversation yet."))
    kept = _kept(newest, screen_of(conversation.bot))
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


def _answers(condition: Q) -> Iterable[Message]:
    """What bots and agents said, the newest first."""
    return (
        Message.objects.filter(
            condition,
            status=Message.Status.SENT,
            role__in=[Message.Role.ASSISTANT, Message.Role.AGENT],
        )
        .select_related("conversation__visitor", "reply_to", "feedback", "author")
        .order_by("-id")
    )


def _found(bot: Bot, since: datetime) -> Iterator[_Found]:
    """Everything that says something about an answer and was not proposed yet."""
    said_something = (
        Q(feedback__isnull=False)
        | Q(code__in=_UNANSWERED)
        | Q(pk__in=Message.objects.filter(corrections__isnull=False).values("pk"))
        | Q(role=Message.Role.AGENT, conversation__status=Conversation.Status.CLOSED)
        | Q(role=Message.Role.ASSISTANT, conversation__rating__gte=SATISFIED)
        | Q(role=Message.Role.ASSISTANT, conversation__rating__lte=DISSATISFIED)
    )
    of_bot = Q(conversation__bot=bot, created_at__gte=since, review_item=None)
    rated: set[int] = set()
    for message in _answers(said_something & of_bot):
        found = _classified(message)
        if found is None:
            continue
        # A bad rating is about the last answer of a conversation; which other one it is about,
        # nobody knows.
        if message.role == Message.Role.ASSISTANT and _is_by_rating(message):
            if message.conversation_id in rated:
                continue
            rated.add(message.conversation_id)
        yield found


def _is_by_rating(message: Message) -> bool:
    rating = message.conversation.rating
    return (
        rating is not None
        and rating <= DISSATISFIED
        and getattr(message, "feedback", None) is None
        and message.code not in _UNANSWERED
        and not message.corrections.exists()
    )


def _classified(message: Message, *, asked: bool = False) -> _Found | None:
    """Why the message is worth a look; None when there is nothing to learn from it.

    ``asked``: somebody wants it looked at, whatever customers thought of it.
    """
    if message.role == Message.Role.AGENT:
        return _of_agent(message)
    if message.reply_to is None:
        return None
    turns = _turns(message, message.reply_to)
    if not turns:
        return None
    correction = message.corrections.select_related("created_by").order_by("-id").first()
    if correction is not None:
        return _Found(
            message, Reason.CORRECTED, turns, correction.text, message.text, correction.created_by
        )
    if message.source == Message.Source.NOTICE:
        is_unanswered = asked or message.code in _UNANSWERED
        return _Found(message, Reason.UNANSWERED, turns, "") if is_unanswered else None
    feedback = getattr(message, "feedback", None)
    if (feedback is not None and feedback.value == Feedback.Value.DOWN) or _is_by_rating(message):
        return _Found(message, Reason.DISLIKED, turns, "", message.text)
    return _Found(message, Reason.ASKED if asked else Reason.LIKED, turns, message.text)


def _of_agent(answer: Message) -> _Found | None:
    """The pair of a takeover: what the bot had said, and what a person said instead."""
    said = answer.conversation.messages.filter(
        seq__lt=answer.seq, status=Message.Status.SENT, role__in=_SPOKEN
    ).order_by("-seq")
    before = said.first()
    if before is not None and before.role == Message.Role.AGENT:
        # The same answer goes on; its first message is the one that is proposed.
        return None
    question = said.filter(role=Message.Role.CUSTOMER).first()
    turns = _turns(answer, question) if question else ()
    if question is None or not turns:
        return None
    texts = [answer.text]
    for each in answer.conversation.messages.filter(seq__gt=answer.seq, role__in=_SPOKEN).order_by(
        "seq"
    ):
        if each.role != Message.Role.AGENT:
            break
        texts.append(each.text)
    failed = said.filter(role=Message.Role.ASSISTANT, reply_to=question).first()
    return _Found(
        answer,
        Reason.TAKEN_OVER,
        turns,
        "\n".join(texts),
        failed.text if failed else "",
        answer.author,
    )


def _turns(answer: Message, question: Message) -> tuple[ChatMessage, ...]:
    """What was said up to ``question``, by each in one piece, beginning with the customer."""
    earlier = answer.conversation.messages.filter(
        seq__lte=question.seq, status=Message.Status.SENT, role__in=_SPOKEN
    ).order_by("seq")
    turns: list[ChatMessage] = []
    for each in earlier:
        role = _SPOKEN[Message.Role(each.role)]
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += f"\n{each.text}"
        elif turns or role == "user":
            turns.append({"role": role, "content": each.text})  # type: ignore[typeddict-item]
    return tuple(turns) if turns and turns[-1]["role"] == "user" else ()


def _kept(found: _Found, screen: Screen) -> _Found | None:
    """Masked on both sides by the rules for training data; None for what they keep out.

    A chat template's control tokens have no business in a conversation: whoever typed one did not
    ask for something.
    """
    answers = [
        ChatMessage(role="assistant", content=text) for text in (found.failed, found.answer) if text
    ]
    said = [*found.turns, *answers]
    if any(
        shape.name == injection.CONTROL_TOKEN
        for each in said
        for shape in injection.find(each["content"])
    ):
        return None
    screened = screen.conversation(said)
    if screened.blocked:
        return None
    turns = screened.messages[: len(found.turns)]
    masked = [each["content"] for each in screened.messages[len(found.turns) :]]
    return _Found(
        found.message,
        found.reason,
        turns,
        answer=masked.pop() if found.answer else "",
        failed=masked.pop() if found.failed else "",
        author=found.author,
    )


def _within_caps(bot: Bot, found: Iterable[_Found]) -> Iterator[_Found]:
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
    bot: Bot, found: list[_Found], shelf: LibraryShelf, *, by: User | None = None
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

    def of(self, found: _Found, vector: Vectors) -> str:
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


def _add(bot: Bot, found: _Found, cluster: str, distance: float) -> ReviewItem:
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
