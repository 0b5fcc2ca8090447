"""What became of replies, in the audit trail."""

from chat.models import Message
from moderation.services import audit


def answered(reply: Message) -> None:
    """A reply is settled, or waits anew. The last statement of its transaction."""
    audit.record(
        f"reply.{reply.status}",
        target=f"message:{reply.public_id}",
        bot=reply.conversation.bot.slug,
        facts={
            "conversation": str(reply.conversation.public_id),
            "source": reply.source,
            "code": reply.code,
            "deployment": reply.deployment.version if reply.deployment else None,
            "policy": reply.policy_version,
        },
    )
