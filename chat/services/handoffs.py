"""Why a person is wanted: read off what the bot said last."""

from chat.models import Conversation, Feedback, Message

_Reason = Conversation.HandoffReason
_OF_CODE = {
    "unanswered": _Reason.UNANSWERED,
    "unsure": _Reason.UNSURE,
    "withheld": _Reason.WITHHELD,
}


def handoff_reason(conversation: Conversation) -> str:
    """The reason for a person now. A bot whose last answer was fine was simply not wanted."""
    last = (
        conversation.messages.filter(role=Message.Role.ASSISTANT)
        .select_related("feedback")
        .order_by("-seq")
        .first()
    )
    if last is None:
        return _Reason.ASKED
    feedback: Feedback | None = getattr(last, "feedback", None)
    if feedback is not None and feedback.value == Feedback.Value.DOWN:
        return _Reason.DISLIKED
    if last.status == Message.Status.FAILED:
        return _Reason.UNANSWERED
    return _OF_CODE.get(last.code, _Reason.ASKED)
