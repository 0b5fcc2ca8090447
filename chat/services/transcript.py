"""The rows of a conversation, added one after the other by whoever holds its lock."""

from django.db.models import F

from chat.models import Bot, Conversation, Message
from chat.services import publishing
from chat.services.notices import notice_text

OPEN_STATUSES = (Message.Status.PENDING, Message.Status.GENERATING)
MOST_TOLD = 100
"""How many of those who wait hear of each step of their queue."""


class ConversationClosed(Exception):
    """Nothing can be added to a closed conversation."""


def locked(conversation: Conversation) -> Conversation:
    """The conversation, alone in this transaction: ``seq`` has no gaps and no twins.

    Sockets stay open for hours: one that was erased meanwhile, or whose bot was switched
    off, raises :class:`ConversationClosed`, too.
    """
    current = (
        Conversation.objects.select_for_update(of=("self",))
        .select_related("bot", "visitor", "agent")
        .filter(pk=conversation.pk, bot__is_active=True)
        .first()
    )
    if current is None:
        raise ConversationClosed
    return current


def append(conversation: Conversation, **fields: object) -> Message:
    """The next message, announced after the commit."""
    conversation.last_seq += 1
    conversation.save(update_fields=["last_seq", "updated_at"])
    message = Message.objects.create(conversation=conversation, seq=conversation.last_seq, **fields)
    publishing.announce_message("message.created", message, is_new=True)
    return message


def append_notice(
    conversation: Conversation, *, code: str, reply_to: Message | None = None, name: str = ""
) -> Message:
    """What csbot itself says, in the customer's language; ``name`` is an agent's."""
    return append(
        conversation,
        role=Message.Role.NOTICE,
        source=Message.Source.NOTICE,
        code=code,
        text=notice_text(code, conversation.locale, name=name),
        reply_to=reply_to,
    )


def silence(conversation: Conversation, *, code: str) -> int:
    """Take every reply that waits or is being written from its runner; returns how many.

    Whoever locked the conversation calls this: from their commit on none of them can say a word.
    ``attempt`` fences the runner off, which could else keep what it had written until then.
    """
    running = list(
        conversation.messages.select_related("reply_to", "feedback", "author")
        .filter(status__in=OPEN_STATUSES)
        .order_by("seq")
    )
    if not running:
        return 0
    publishing.hush(conversation)
    silenced = sum(_silence(reply, code) for reply in running)
    publishing.call_runners("wake")
    return silenced


def announce_queue(bot: Bot) -> None:
    """Tell those who wait for a person of ``bot`` where they stand now."""
    waiting = (
        Conversation.objects.filter(bot=bot, status=Conversation.Status.WAITING)
        .select_related("bot", "agent")
        .order_by("waiting_since", "pk")
    )
    for each in waiting[:MOST_TOLD]:
        publishing.announce_conversation(each)


def _silence(reply: Message, code: str) -> bool:
    silenced = Message.objects.filter(pk=reply.pk, status__in=OPEN_STATUSES).update(
        status=Message.Status.CANCELLED,
        text="",
        code=code,
        lease_until=None,
        attempt=F("attempt") + 1,
    )
    if silenced:
        reply.status, reply.text, reply.code = Message.Status.CANCELLED, "", code
        publishing.call_runners("cancelled", message_id=str(reply.public_id))
        publishing.announce_message("message.cancelled", reply)
    return bool(silenced)
