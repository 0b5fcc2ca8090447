"""What a customer thinks of a whole conversation."""

from django.db import transaction

from chat.models import Conversation, Message
from chat.services import publishing
from chat.services.transcript import locked
from moderation.findings import Direction
from moderation.services import audit
from moderation.services.screening import screen


class NothingToRate(Exception):
    """Nobody has answered in this conversation."""


@transaction.atomic
def rate(conversation: Conversation, *, rating: int, comment: str) -> Conversation:
    """Keep the rating, 1 to 5, in place of an earlier one; closed conversations can be rated, too.

    The comment is stored as moderation leaves it. Raises :class:`NothingToRate` and
    :class:`~chat.services.transcript.ConversationClosed` for one that was erased.
    """
    conversation = locked(conversation)
    answered = conversation.messages.filter(role__in=[Message.Role.ASSISTANT, Message.Role.AGENT])
    if not answered.exists():
        raise NothingToRate
    conversation.rating = rating
    conversation.rating_comment = screen(
        comment.strip(), Direction.INBOUND, scope=str(conversation.public_id)
    ).text
    conversation.save(update_fields=["rating", "rating_comment", "updated_at"])
    publishing.announce_conversation(conversation)
    audit.record(
        "conversation.rated",
        target=f"conversation:{conversation.public_id}",
        bot=conversation.bot.slug,
        facts={"rating": rating},
    )
    return conversation
