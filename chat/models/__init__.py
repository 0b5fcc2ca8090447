from chat.models.bots import ApiKey, Bot, Deployment
from chat.models.conversations import Conversation, SocketTicket, Visitor
from chat.models.conversions import Conversion
from chat.models.desk import CannedReply, LeftMessage, Note, Suggestion
from chat.models.grants import BotGrant, BotGroupGrant
from chat.models.knowledge import (
    AnswerRevision,
    Calibration,
    CuratedAnswer,
    Dispute,
    QuestionVariant,
    QuestionVector,
)
from chat.models.messages import Feedback, Message
from chat.models.runners import RunnerReport
from chat.models.shadows import Shadow, ShadowAnswer
from chat.models.splits import Split

__all__ = [
    "AnswerRevision",
    "ApiKey",
    "Bot",
    "BotGrant",
    "BotGroupGrant",
    "Calibration",
    "CannedReply",
    "Conversation",
    "Conversion",
    "CuratedAnswer",
    "Deployment",
    "Dispute",
    "Feedback",
    "LeftMessage",
    "Message",
    "Note",
    "QuestionVariant",
    "QuestionVector",
    "RunnerReport",
    "Shadow",
    "ShadowAnswer",
    "SocketTicket",
    "Split",
    "Suggestion",
    "Visitor",
]
