"""Months of conversations as rows: drawn, seeded, and in the proportions of a busy shop."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import DateTimeField
from django.utils import timezone

from chat import demo
from chat.models import Bot, Conversation, CuratedAnswer, Deployment, Feedback, Message, Visitor
from chat.models.fields import LOCALES

BATCH = 2_000
_SOURCES = {"curated": 52, "cache": 12, "model": 24, "unsure": 7, "unanswered": 4, "withheld": 1}
_REASONS = {"asked": 50, "unsure": 20, "unanswered": 15, "disliked": 10, "agent": 5}
# Nights are quiet, and so are weekends.
_HOURS = [1, 1, 1, 1, 1, 1, 2, 4, 8, 10, 11, 10, 9, 10, 11, 10, 9, 8, 9, 10, 8, 5, 3, 2]


def write(
    bot: Bot, *, messages: int, days: int, agents: Sequence[User] = (), seed: int = 1
) -> None:
    """At least ``messages`` rows of messages over the last ``days`` days."""
    draw = random.Random(seed)
    history = _History(bot, draw, agents)
    moments = sorted(_moment(draw, days) for _ in range(messages // 5))
    with _as_dated(Visitor, Conversation, Message, Feedback):
        while history.written < messages:
            if not moments:
                moments = sorted(_moment(draw, days) for _ in range(BATCH))
            history.write([moments.pop(0) for _ in range(min(BATCH // 4, len(moments)))])


class _History:
    def __init__(self, bot: Bot, draw: random.Random, agents: Sequence[User]) -> None:
        self.written = 0
        self._bot = bot
        self._draw = draw
        self._agents = list(agents)
        self._answers = {
            locale: list(
                CuratedAnswer.objects.filter(bot=bot, locale=locale).prefetch_related("variants")
            )
            for locale in LOCALES
        }
        self._unknown = {
            locale: [text.strip() for text in demo.unanswered(locale)] for locale in LOCALES
        }
        self._deployments = list(Deployment.objects.filter(bot=bot).order_by("version"))

    def write(self, moments: Sequence[datetime]) -> None:
        visitors = Visitor.objects.bulk_create(
            Visitor(bot=self._bot, created_at=moment) for moment in moments
        )
        conversations = Conversation.objects.bulk_create(
            self._conversation(visitor) for visitor in visitors
        )
        questions, outcomes = [], []
        for conversation in conversations:
            for question, outcome in self._turns(conversation):
                questions.append(question)
                outcomes.append(outcome)
        for place, question in enumerate(Message.objects.bulk_create(questions, BATCH)):
            outcomes[place].reply_to = question
        replies = Message.objects.bulk_create(outcomes, BATCH)
        said = [message for each in conversations for message in self._by_agent(each)]
        Message.objects.bulk_create(said, BATCH)
        Conversation.objects.bulk_update(conversations, ["last_seq"], BATCH)
        Feedback.objects.bulk_create(
            thumb for reply in replies if (thumb := self._thumb(reply)) is not None
        )
        self.written += len(questions) + len(replies) + len(said)

    def _conversation(self, visitor: Visitor) -> Conversation:
        draw, begun = self._draw, visitor.created_at
        fields: dict[str, Any] = {"status": draw.choice(["open", "open", "closed"])}
        if draw.random() < 0.17:
            fields |= self._taken(begun)
        if draw.random() < 0.12:
            fields["rating"] = draw.choices(range(1, 6), [8, 5, 10, 30, 47])[0]
        return Conversation(
            bot=self._bot,
            visitor=visitor,
            locale=draw.choices(LOCALES, [3, 2])[0],
            created_at=begun,
            updated_at=begun + timedelta(minutes=draw.randint(2, 40)),
            **fields,
        )

    def _taken(self, begun: datetime) -> dict[str, Any]:
        draw = self._draw
        wanted = begun + timedelta(minutes=draw.randint(1, 6))
        fields: dict[str, Any] = {
            "handoff_reason": draw.choices(list(_REASONS), list(_REASONS.values()))[0],
            "status": "closed",
            "waiting_since": wanted,
        }
        if self._agents and draw.random() < 0.92:
            fields["taken_at"] = wanted + timedelta(seconds=draw.expovariate(1 / 70))
            fields["agent"] = fields["closed_by"] = draw.choice(self._agents)
        return fields

    def _turns(self, conversation: Conversation) -> Iterator[tuple[Message, Message]]:
        draw, moment = self._draw, conversation.created_at
        for _ in range(draw.choices([1, 2, 3, 4], [45, 30, 15, 10])[0]):
            found = draw.choices(list(_SOURCES), list(_SOURCES.values()))[0]
            answer = draw.choices(
                self._answers[conversation.locale],
                range(len(self._answers[conversation.locale]), 0, -1),
            )[0]
            text = draw.choice(list(answer.variants.all())).text
            if found in ("unsure", "unanswered", "withheld"):
                unknown = self._unknown[conversation.locale]
                text = draw.choices(unknown, range(len(unknown), 0, -1))[0]
            conversation.last_seq += 2
            moment += timedelta(seconds=draw.randint(5, 90))
            yield (
                Message(
                    conversation=conversation,
                    seq=conversation.last_seq - 1,
                    role="customer",
                    text=text,
                    created_at=moment,
                    timings={"moderation": round(draw.uniform(0.0004, 0.003), 4)},
                ),
                self._outcome(conversation, found, answer, moment),
            )

    def _outcome(
        self, conversation: Conversation, found: str, answer: CuratedAnswer, moment: datetime
    ) -> Message:
        draw = self._draw
        # The newer the model, the later it began.
        newest = max(1, round(len(self._deployments) * draw.uniform(0.2, 1)))
        fields: dict[str, Any] = {"text": answer.text, "deployment": self._deployments[newest - 1]}
        writing = draw.lognormvariate(0.6, 0.5)
        if found == "curated":
            fields |= {"source": "curated", "curated_answer": answer}
            if draw.random() < 0.4:
                fields["timings"] = {"queue": 0.004, "answer": round(draw.uniform(0.02, 0.2), 4)}
        elif found == "cache":
            fields |= {"source": "cache", "timings": {"queue": 0.004, "answer": 0.02}}
        else:
            fields |= {
                "source": "model",
                "confidence": min(1.0, draw.betavariate(8, 2) + 0.02 * newest),
                "timings": {
                    "queue": round(draw.expovariate(4), 4),
                    "first_token": round(0.2 * writing, 4),
                    "answer": round(writing, 4),
                    "moderation": round(draw.uniform(0.001, 0.01), 4),
                },
            }
        role = "assistant"
        if found in ("unsure", "unanswered", "withheld"):
            role = "notice"
            fields |= {"source": "notice", "code": found, "text": "..."}
        return Message(
            conversation=conversation,
            seq=conversation.last_seq,
            role=role,
            created_at=moment,
            **fields,
        )

    def _by_agent(self, conversation: Conversation) -> Iterator[Message]:
        if conversation.taken_at is None:
            return
        for _ in range(self._draw.randint(1, 3)):
            conversation.last_seq += 1
            yield Message(
                conversation=conversation,
                seq=conversation.last_seq,
                role="agent",
                source="agent",
                text="...",
                author=conversation.agent,
                created_at=conversation.taken_at
                + timedelta(seconds=self._draw.expovariate(1 / 25)),
            )

    def _thumb(self, reply: Message) -> Feedback | None:
        if reply.role != "assistant" or self._draw.random() > 0.09:
            return None
        liked = 0.9 if reply.source != "model" else 0.6 + 0.08 * (reply.deployment_id or 0) % 0.3
        return Feedback(
            message=reply,
            visitor=reply.conversation.visitor,
            value="up" if self._draw.random() < liked else "down",
            created_at=reply.created_at,
            updated_at=reply.created_at,
        )


def _moment(draw: random.Random, days: int) -> datetime:
    today = timezone.localtime().replace(minute=0, second=0, microsecond=0)
    while True:
        day = today - timedelta(days=draw.randrange(days))
        if day.weekday() < 5 or draw.random() < 0.5:
            break
    moment = day.replace(hour=draw.choices(range(24), _HOURS)[0], minute=draw.randrange(60))
    return min(moment, timezone.now() - timedelta(minutes=5))


@contextmanager
def _as_dated(*models: Any) -> Iterator[None]:
    """Rows keep the dates that they are given."""
    fields = [
        (each, each.auto_now, each.auto_now_add)
        for model in models
        for each in model._meta.fields  # noqa: SLF001 - public by name
        if isinstance(each, DateTimeField)
    ]
    for each, _now, _add in fields:
        each.auto_now = each.auto_now_add = False
    try:
        yield
    finally:
        for each, now, add in fields:
            each.auto_now, each.auto_now_add = now, add
