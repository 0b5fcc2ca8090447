from chat.models.bots import ApiKey, Bot, Deployment
from chat.models.conversations import Conversation, SocketTicket, Visitor
from chat.models.knowledge import (
    AnswerRevision,
    Calibration,
    CuratedAnswer,
    Dispute,
    QuestionVariant,
    QuestionVector,
)
from chat.models.messages import Feedback, Message

__all__ = [
    "AnswerRevision",
    "ApiKey",
    "Bot",
    "Calibration",
    "Conversation",
    "CuratedAnswer",
    "Deployment",
    "Dispute",
    "Feedback",
    "Message",
    "QuestionVariant",
    "QuestionVector",
    "SocketTicket",
    "Visitor",
]
