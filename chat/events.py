"""The wire: every frame of the widget's websocket, version 1.

Requests are imperative, events are facts in the past tense. ``docs/protocol.md`` explains
each frame; a test compares the two.
"""

from typing import Literal, NotRequired, TypedDict

PROTOCOL_VERSION = 1
FRAME_BYTES = 16 * 1024
TEXT_CHARACTERS = 4_000
COMMENT_CHARACTERS = 1_000
NAME_CHARACTERS = 80
CONTACT_CHARACTERS = 200
AUTHENTICATE_SECONDS = 5
REPLY_CODES = ("engine_error", "prompt_too_long", "attempts_exhausted", "overdue", "no_model")
"""Why a reply failed; the widget has a sentence for each."""


class FeedbackData(TypedDict):
    value: Literal["up", "down"]
    reasons: list[str]
    comment: str


class MessageData(TypedDict):
    """One message as everybody outside the database sees it."""

    id: str
    seq: int
    role: Literal["customer", "assistant", "agent", "notice"]
    status: Literal["pending", "generating", "sent", "failed", "cancelled", "withheld"]
    text: str
    client_message_id: str | None
    reply_to: str | None
    source: Literal["", "curated", "cache", "model", "notice", "agent"]
    code: str
    suggestions: list[str]
    created_at: str
    feedback: FeedbackData | None
    author: str | None


class AgentData(TypedDict):
    name: str


class ConversationData(TypedDict):
    """``position`` is the place in the queue for a person, from 1, while the status is
    ``waiting``; ``agent`` is there while it is ``taken``."""

    id: str
    status: Literal["open", "waiting", "taken", "closed"]
    locale: str
    last_seq: int
    created_at: str
    agent: AgentData | None
    position: int | None
    is_open_hours: bool
    rating: int | None


# Requests: browser -> server


class Authenticate(TypedDict):
    type: Literal["authenticate"]
    protocol: int
    ticket: str


class Resume(TypedDict):
    type: Literal["conversation.resume"]
    after: int


class Send(TypedDict):
    type: Literal["message.send"]
    client_message_id: str
    text: str


class Cancel(TypedDict):
    type: Literal["reply.cancel"]
    message_id: str


class Retry(TypedDict):
    type: Literal["reply.retry"]
    message_id: str


class GiveFeedback(TypedDict):
    type: Literal["feedback.give"]
    message_id: str
    value: Literal["up", "down", "none"]
    reasons: NotRequired[list[str]]
    comment: NotRequired[str]


class RequestPerson(TypedDict):
    type: Literal["person.request"]


class CustomerTyping(TypedDict):
    type: Literal["customer.typing"]


class Rate(TypedDict):
    type: Literal["conversation.rate"]
    rating: int
    comment: NotRequired[str]


class LeaveMessage(TypedDict):
    type: Literal["conversation.leave_message"]
    name: str
    contact: str
    text: str


class Ping(TypedDict):
    type: Literal["ping"]


# Events: server -> browser


class Ready(TypedDict):
    type: Literal["ready"]
    protocol: int
    conversation: ConversationData


class State(TypedDict):
    """Every message after the ``after`` that the browser asked with, as they are now."""

    type: Literal["conversation.state"]
    conversation: ConversationData
    after: int
    messages: list[MessageData]


class Accepted(TypedDict):
    """The acknowledgement of ``message.send``: the message is committed."""

    type: Literal["message.accepted"]
    client_message_id: str
    message_id: str
    seq: int


class MessageEvent(TypedDict):
    """A message was created, or settled, or put back in the queue."""

    type: Literal[
        "message.created",
        "message.generating",
        "message.requeued",
        "message.sent",
        "message.failed",
        "message.cancelled",
    ]
    seq: int
    message: MessageData


class Delta(TypedDict):
    """Further text of a reply. ``offset`` is where it belongs, in UTF-16 code units."""

    type: Literal["message.delta"]
    seq: int
    message_id: str
    attempt: int
    offset: int
    text: str


class FeedbackRecorded(TypedDict):
    type: Literal["feedback.recorded"]
    message_id: str
    feedback: FeedbackData | None


class ConversationChanged(TypedDict):
    type: Literal["conversation.changed"]
    conversation: ConversationData


class AgentTyping(TypedDict):
    """The agent writes, or did a moment ago. Forget it after six seconds."""

    type: Literal["agent.typing"]


class Pong(TypedDict):
    type: Literal["pong"]


class Error(TypedDict):
    """A request was refused. ``request`` is its type when it could be read."""

    type: Literal["error"]
    code: Literal[
        "malformed",
        "unknown_type",
        "invalid",
        "not_found",
        "rate_limited",
        "closed",
        "unavailable",
    ]
    message: str
    request: NotRequired[str]
    client_message_id: NotRequired[str]
    retry_after: NotRequired[int]


REQUESTS = (
    Authenticate,
    Resume,
    Send,
    Cancel,
    Retry,
    GiveFeedback,
    RequestPerson,
    CustomerTyping,
    Rate,
    LeaveMessage,
    Ping,
)
EVENTS = (
    Ready,
    State,
    Accepted,
    MessageEvent,
    Delta,
    FeedbackRecorded,
    ConversationChanged,
    AgentTyping,
    Pong,
    Error,
)

# Close codes
CLOSE_PROTOCOL = 4400
CLOSE_UNAUTHENTICATED = 4401
CLOSE_ORIGIN = 4403
CLOSE_TOO_SLOW = 4408
CLOSE_TOO_MANY = 4429
