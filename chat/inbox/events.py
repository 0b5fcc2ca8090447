"""The wire of the inbox: frames between agents' pages and ``/ws/staff/inbox``.

``docs/console.md`` explains each frame; a test compares the two.
"""

from typing import Any, Literal, NotRequired, TypedDict

from chat.events import MessageData

Tab = Literal["waiting", "mine", "team", "bot", "closed"]
TABS: tuple[Tab, ...] = ("waiting", "mine", "team", "bot", "closed")
PAGE_ROWS = 50
MOST_ROWS = 300


class PersonData(TypedDict):
    """A colleague, by the name that colleagues know."""

    id: int
    name: str


class BotData(TypedDict):
    id: str
    name: str


class LastData(TypedDict):
    """The beginning of what was said last."""

    role: str
    text: str
    created_at: str


class RowData(TypedDict):
    """One conversation as the list shows it. ``unread`` counts customers' messages that no agent
    has read; ``left`` messages left for people that nobody has answered."""

    id: str
    status: Literal["open", "waiting", "taken", "closed"]
    bot: BotData
    locale: str
    page: str
    agent: PersonData | None
    reason: str
    waiting_since: str | None
    closed_at: str | None
    created_at: str
    updated_at: str
    rating: int | None
    unread: int
    left: int
    last: LastData | None
    last_seq: int


class NoteData(TypedDict):
    id: str
    author: str
    text: str
    created_at: str


class CannedData(TypedDict):
    id: int
    shortcut: str
    text: str


class LeftData(TypedDict):
    """``contact`` comes only when it is asked for."""

    id: str
    name: str
    text: str
    created_at: str
    is_answered: bool


class SuggestionData(TypedDict):
    """What the bot would say; ``by`` is who asked for it."""

    id: str
    by: int | None
    status: Literal["pending", "writing", "ready", "failed"]
    text: str
    source: str
    confidence: float | None


# Requests: page -> server


class ListRequest(TypedDict):
    type: Literal["inbox.list"]
    tab: Tab
    search: NotRequired[str]
    bot: NotRequired[str]
    reason: NotRequired[str]
    locale: NotRequired[str]
    limit: NotRequired[int]


class OpenRequest(TypedDict):
    """Watch this conversation, and no other any more."""

    type: Literal["conversation.open"]
    id: str


class ConversationRequest(TypedDict):
    type: Literal[
        "conversation.leave",
        "conversation.take",
        "conversation.hand_back",
        "conversation.close",
        "agent.typing",
        "reply.suggest",
    ]
    id: str


class AssignRequest(TypedDict):
    type: Literal["conversation.assign"]
    id: str
    to: int


class ReadRequest(TypedDict):
    type: Literal["conversation.read"]
    id: str
    seq: int


class SendRequest(TypedDict):
    type: Literal["message.send"]
    id: str
    client_message_id: str
    text: str
    suggestion: NotRequired[str]
    use: NotRequired[Literal["sent", "edited", "ignored"]]
    canned: NotRequired[int]


class NoteRequest(TypedDict):
    type: Literal["note.add"]
    id: str
    text: str


class IgnoreRequest(TypedDict):
    type: Literal["suggestion.ignore"]
    id: str
    suggestion: str


class LeftRequest(TypedDict):
    type: Literal["left_message.answered"]
    id: str
    left: str


class Ping(TypedDict):
    type: Literal["ping"]


# Events: server -> page


class Ready(TypedDict):
    type: Literal["ready"]
    me: PersonData
    bots: list[BotData]
    people: list[PersonData]
    counts: dict[str, int]


class Listed(TypedDict):
    """The answer to ``inbox.list``. ``is_more``: a greater ``limit`` brings further rows."""

    type: Literal["inbox.listed"]
    tab: Tab
    rows: list[RowData]
    is_more: bool
    counts: dict[str, int]


class Changed(TypedDict):
    """Conversations changed: ``rows`` belong to the list that was asked for last, and those whose
    ids are in ``gone`` do not, any more or at all."""

    type: Literal["inbox.changed"]
    rows: list[RowData]
    gone: list[str]
    counts: dict[str, int]


class Opened(TypedDict):
    """The answer to ``conversation.open``: all there is to see."""

    type: Literal["conversation.opened"]
    conversation: RowData
    messages: list[MessageData]
    notes: list[NoteData]
    canned: list[CannedData]
    left_messages: list[LeftData]
    earlier: list[RowData]
    colleagues: list[PersonData]
    suggestion: SuggestionData | None
    may_assign: bool


class WatchedEvent(TypedDict):
    """Something happened in the conversation that is watched. ``frame`` is what customers' sockets
    hear, or one of ``customer.typing``, ``note.added``, ``suggestion.changed``,
    ``left_message.created`` and ``left_message.answered``."""

    type: Literal["conversation.event"]
    conversation: str
    frame: dict[str, Any]


class Gone(TypedDict):
    """The conversation that was watched is not for this agent any more."""

    type: Literal["conversation.gone"]
    conversation: str


class Accepted(TypedDict):
    type: Literal["message.accepted"]
    client_message_id: str
    message_id: str
    seq: int


class Suggested(TypedDict):
    type: Literal["reply.suggested"]
    conversation: str
    suggestion: SuggestionData


class PresenceChanged(TypedDict):
    type: Literal["presence.changed"]
    people: list[PersonData]


class Done(TypedDict):
    """A request that answers with nothing else was done."""

    type: Literal["done"]
    request: str


class Pong(TypedDict):
    type: Literal["pong"]


class Error(TypedDict):
    """A request was refused; the socket stays open."""

    type: Literal["error"]
    code: str
    message: str
    request: NotRequired[str]
    client_message_id: NotRequired[str]


REQUESTS = (
    ListRequest,
    OpenRequest,
    ConversationRequest,
    AssignRequest,
    ReadRequest,
    SendRequest,
    NoteRequest,
    IgnoreRequest,
    LeftRequest,
    Ping,
)
EVENTS = (
    Ready,
    Listed,
    Changed,
    Opened,
    WatchedEvent,
    Gone,
    Accepted,
    Suggested,
    PresenceChanged,
    Done,
    Pong,
    Error,
)
