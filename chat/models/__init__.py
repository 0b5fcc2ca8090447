from chat.models.bots import ApiKey, Bot, Deployment
from chat.models.conversations import Conversation, SocketTicket, Visitor
from chat.models.messages import Feedback, Message

__all__ = [
    "ApiKey",
    "Bot",
    "Conversation",
    "Deployment",
    "Feedback",
    "Message",
    "SocketTicket",
    "Visitor",
]
