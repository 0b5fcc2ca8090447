"""What live conversations say about their answers: which did not help, were missing, or are better.

Each becomes a pair of what led to a question and the answer that is proposed, masked by the
rules for training data. What is done with it is decided in :mod:`training.services.proposing`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Q

from chat.inference.engine import ChatMessage
from chat.models import Bot, Conversation, Feedback, Message
from moderation import injection
from training.models import ReviewItem
from training.screening import Screen

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


@dataclass(frozen=True, slots=True)
class Found:
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


def found_of(bot: Bot, since: datetime) -> Iterator[Found]:
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


def newest_of(conversation: Conversation) -> Found | None:
    """The last answer of a conversation, whatever customers thought of it."""
    answers = _answers(Q(conversation=conversation))
    return next(filter(None, (_classified(each, asked=True) for each in answers)), None)


def _is_by_rating(message: Message) -> bool:
    rating = message.conversation.rating
    return (
        rating is not None
        and rating <= DISSATISFIED
        and getattr(message, "feedback", None) is None
        and message.code not in _UNANSWERED
        and not message.corrections.exists()
    )


def _classified(message: Message, *, asked: bool = False) -> Found | None:
    """Why the message is worth a look; None when there is nothing to learn from it.

    ``asked``: somebody wants it looked at, whatever customers thought of it.
    """
    if message.role == Message.Role.AGENT:
        return _of_agent(message)
    if message.reply_to is None:
        return None
    turns = turns_before(message, message.reply_to)
    if not turns:
        return None
    correction = message.corrections.select_related("created_by").order_by("-id").first()
    if correction is not None:
        return Found(
            message, Reason.CORRECTED, turns, correction.text, message.text, correction.created_by
        )
    if message.source == Message.Source.NOTICE:
        is_unanswered = asked or message.code in _UNANSWERED
        return Found(message, Reason.UNANSWERED, turns, "") if is_unanswered else None
    feedback = getattr(message, "feedback", None)
    if (feedback is not None and feedback.value == Feedback.Value.DOWN) or _is_by_rating(message):
        return Found(message, Reason.DISLIKED, turns, "", message.text)
    return Found(message, Reason.ASKED if asked else Reason.LIKED, turns, message.text)


def _of_agent(answer: Message) -> Found | None:
    """The pair of a takeover: what the bot had said, and what a person said instead."""
    said = answer.conversation.messages.filter(
        seq__lt=answer.seq, status=Message.Status.SENT, role__in=_SPOKEN
    ).order_by("-seq")
    before = said.first()
    if before is not None and before.role == Message.Role.AGENT:
        # The same answer goes on; its first message is the one that is proposed.
        return None
    question = said.filter(role=Message.Role.CUSTOMER).first()
    turns = turns_before(answer, question) if question else ()
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
    return Found(
        answer,
        Reason.TAKEN_OVER,
        turns,
        "\n".join(texts),
        failed.text if failed else "",
        answer.author,
    )


def turns_before(answer: Message, question: Message) -> tuple[ChatMessage, ...]:
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


def masked(found: Found, screen: Screen) -> Found | None:
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
    texts = [each["content"] for each in screened.messages[len(found.turns) :]]
    return Found(
        found.message,
        found.reason,
        turns,
        answer=texts.pop() if found.answer else "",
        failed=texts.pop() if found.failed else "",
        author=found.author,
    )
