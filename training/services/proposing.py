"""Which answers of live conversations are worth a reviewer's time, and in which order.

Nothing a visitor types reaches a model by this: proposals wait for people. One visitor proposes
three a day at most, and what many ask is proposed once, with how many it covers.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from chat.inference.engine import ChatMessage
from chat.knowledge.embedding import Vectors
from chat.knowledge.questions import normalized
from chat.libraries import LibraryShelf, embedded, embedded_before
from chat.models import Bot, Conversation, CuratedAnswer, Feedback, Message
from moderation.services import audit
from training.models import Example, ReviewItem, Scenario

LOOK_BACK = timedelta(days=31)
WEEK = timedelta(days=7)
PER_VISITOR_AND_DAY = 3
ALIKE = 0.93
"""Cosine above which two questions are one decision."""
MOST_AT_ONCE = 500

Reason = ReviewItem.Reason
_UNANSWERED = ("unanswered", "unsure", "withheld")
_SPOKEN = {
    Message.Role.CUSTOMER: "user",
    Message.Role.ASSISTANT: "assistant",
    Message.Role.AGENT: "assistant",
}
_WEIGHTS = {Reason.DISLIKED: 2.0, Reason.UNANSWERED: 1.5, Reason.TAKEN_OVER: 1.8, Reason.LIKED: 0.5}


@dataclass(frozen=True, slots=True)
class _Found:
    """An answer worth a look, before anything is known of others like it."""

    message: Message
    reason: Reason
    question: Message
    answer: str
    failed: str = ""


def propose(bot: Bot, shelf: LibraryShelf | None = None) -> int:
    """Put what the conversations of the last month taught into the queue; returns how many are new.

    What was proposed before is not proposed again. Raises ``EmbeddingError``.
    """
    since = timezone.now() - LOOK_BACK
    found = list(_within_caps(bot, _found(bot, since)))[:MOST_AT_ONCE]
    if not found:
        return 0
    shelf = shelf or LibraryShelf()
    asked = _asked_this_week(bot)
    vectors = embedded([each.question.text for each in found], shelf.embedder)
    groups = _Groups(bot, shelf)
    distances = _distances(bot, vectors, shelf)
    with transaction.atomic():
        for each, vector, distance in zip(found, vectors, distances, strict=True):
            _add(bot, each, groups.of(each, vector), asked, distance)
        audit.record("examples.proposed", bot=bot.slug, facts={"proposals": len(found)})
    return len(found)


def _found(bot: Bot, since: datetime) -> Iterator[_Found]:
    """Everything that was not proposed yet, the newest conversations first."""
    replies = (
        Message.objects.filter(
            Q(feedback__isnull=False)
            | Q(code__in=_UNANSWERED)
            | Q(role=Message.Role.AGENT, conversation__status=Conversation.Status.CLOSED)
            | Q(conversation__rating__gte=5, role=Message.Role.ASSISTANT),
            conversation__bot=bot,
            created_at__gte=since,
            review_item=None,
            status=Message.Status.SENT,
            role__in=[Message.Role.ASSISTANT, Message.Role.AGENT],
        )
        .select_related("conversation__visitor", "reply_to", "feedback", "author")
        .order_by("-id")
    )
    for reply in replies:
        if reply.role == Message.Role.AGENT:
            taken = _of_agent(reply)
            if taken is not None:
                yield taken
        elif reply.reply_to is not None:
            yield _of_bot(reply, reply.reply_to)


def _of_bot(reply: Message, question: Message) -> _Found:
    feedback = getattr(reply, "feedback", None)
    if feedback is not None and feedback.value == Feedback.Value.DOWN:
        return _Found(reply, Reason.DISLIKED, question, "", reply.text)
    if reply.code in _UNANSWERED and reply.source == Message.Source.NOTICE:
        return _Found(reply, Reason.UNANSWERED, question, "")
    return _Found(reply, Reason.LIKED, question, reply.text)


def _of_agent(answer: Message) -> _Found | None:
    """The pair of a takeover: what the bot had said, and what a person said instead."""
    said = answer.conversation.messages.filter(seq__lt=answer.seq, status=Message.Status.SENT)
    before = said.order_by("-seq").first()
    if before is not None and before.role == Message.Role.AGENT:
        # The same answer goes on; its first message is the one that is proposed.
        return None
    question = said.filter(role=Message.Role.CUSTOMER).order_by("-seq").first()
    if question is None:
        return None
    following = answer.conversation.messages.filter(seq__gt=answer.seq).order_by("seq")
    texts = [answer.text]
    for each in following:
        if each.role != Message.Role.AGENT:
            break
        texts.append(each.text)
    failed = said.filter(role=Message.Role.ASSISTANT, reply_to=question).order_by("-seq").first()
    return _Found(
        answer, Reason.TAKEN_OVER, question, "\n".join(texts), failed.text if failed else ""
    )


def _within_caps(bot: Bot, found: Iterable[_Found]) -> Iterator[_Found]:
    counts: Counter[tuple[int, object]] = Counter()
    known = ReviewItem.objects.filter(
        bot=bot, message__created_at__gte=timezone.now() - LOOK_BACK
    ).values_list("conversation__visitor", "message__created_at")
    for visitor, created in known:
        counts[visitor, created.date()] += 1
    for each in found:
        key = (each.message.conversation.visitor_id, each.message.created_at.date())
        if counts[key] < PER_VISITOR_AND_DAY and normalized(each.question.text):
            counts[key] += 1
            yield each


def _asked_this_week(bot: Bot) -> dict[str, set[int]]:
    """The conversations in which each question was asked, by its normalised wording."""
    found: dict[str, set[int]] = defaultdict(set)
    said = Message.objects.filter(
        conversation__bot=bot, role=Message.Role.CUSTOMER, created_at__gte=timezone.now() - WEEK
    ).values_list("text", "conversation")
    for text, conversation in said.iterator(chunk_size=2000):
        found[normalized(text)].add(conversation)
    return found


class _Groups:
    """Questions that one decision may answer, those of the queue included."""

    def __init__(self, bot: Bot, shelf: LibraryShelf) -> None:
        waiting = ReviewItem.objects.filter(bot=bot, status=ReviewItem.Status.OPEN)
        items = [(each.locale, each.question, each.cluster) for each in waiting]
        known = embedded_before({question for _, question, _ in items}, shelf.embedder)
        self._known = [
            (locale, known[question], cluster)
            for locale, question, cluster in items
            if question in known
        ]

    def of(self, found: _Found, vector: Vectors) -> str:
        locale = found.message.conversation.locale
        for other_locale, other, cluster in self._known:
            if other_locale == locale and float(np.dot(other, vector)) >= ALIKE:
                return cluster
        wording = f"{locale} {normalized(found.question.text)}"
        cluster = hashlib.sha256(wording.encode()).hexdigest()[:32]
        self._known.append((locale, vector, cluster))
        return cluster


def _distances(bot: Bot, vectors: Vectors, shelf: LibraryShelf) -> list[float]:
    """How far each question is from everything that models of this bot learn from, 0 to 1."""
    examples = Example.objects.filter(dataset__bot=bot, status=Example.Status.APPROVED)
    known = embedded_before({each.question for each in examples.iterator()}, shelf.embedder)
    if not known:
        return [1.0] * len(vectors)
    nearest = (vectors @ np.stack(list(known.values())).T).max(axis=1)
    return [float(min(1.0, max(0.05, 1 - each))) for each in nearest]


def _add(
    bot: Bot, found: _Found, cluster: str, asked: dict[str, set[int]], distance: float
) -> None:
    conversation = found.message.conversation
    turns = _turns(found)
    same = set(asked.get(normalized(found.question.text), ()))
    in_cluster = ReviewItem.objects.filter(bot=bot, cluster=cluster)
    same |= set(in_cluster.values_list("conversation", flat=True)) | {conversation.pk}
    item = ReviewItem.objects.create(
        bot=bot,
        conversation=conversation,
        message=found.message,
        reason=found.reason,
        locale=conversation.locale,
        scenario=_scenario(bot, found),
        turns=turns,
        answer=found.answer,
        original={"turns": turns, "answer": found.answer},
        failed=found.failed,
        text_author=found.message.author if found.reason == Reason.TAKEN_OVER else None,
        cluster=cluster,
        covers=len(same),
        is_risky=_is_risky(bot, found),
    )
    doubt = 1.0 - (found.message.confidence if found.message.confidence is not None else 0.5)
    item.value = round(len(same) * (0.1 + doubt) * _WEIGHTS[found.reason] * distance, 4)
    item.save(update_fields=["value"])
    in_cluster.filter(status=ReviewItem.Status.OPEN).update(covers=len(same))


def _turns(found: _Found) -> list[ChatMessage]:
    earlier = found.message.conversation.messages.filter(
        seq__lte=found.question.seq, status=Message.Status.SENT, role__in=_SPOKEN
    ).order_by("seq")
    turns: list[ChatMessage] = []
    for each in earlier:
        role = _SPOKEN[Message.Role(each.role)]
        if turns and turns[-1]["role"] == role:
            turns[-1] = {
                "role": turns[-1]["role"],
                "content": f"{turns[-1]['content']}\n{each.text}",
            }
        elif turns or role == "user":
            turns.append({"role": role, "content": each.text})  # type: ignore[typeddict-item]
    return turns


def _scenario(bot: Bot, found: _Found) -> str:
    """That of the examples with the same answer, or none in particular."""
    answer = found.message.curated_answer
    if answer is None:
        return Scenario.OTHER
    known = Example.objects.filter(dataset__bot=bot, group=answer.key).values_list(
        "scenario", flat=True
    )
    return str(known.first() or Scenario.OTHER)


def _is_risky(bot: Bot, found: _Found) -> bool:
    """Another approved answer has this question already, or something personal was said."""
    if not found.answer:
        return False
    approved = CuratedAnswer.objects.filter(
        bot=bot, is_active=True, variants__normalized=normalized(found.question.text)
    )
    contradicts = any(normalized(each.text) != normalized(found.answer) for each in approved)
    return contradicts or "[" in found.answer
