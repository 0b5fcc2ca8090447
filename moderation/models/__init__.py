"""What moderation keeps: words and policies in versions, cases, and the originals of masked data."""

from moderation.models.audit import AuditEntry, AuditHead
from moderation.models.cases import ModerationCase
from moderation.models.originals import Original, Reveal, SubjectKey
from moderation.models.policies import PolicyVersion
from moderation.models.words import Word, WordListVersion

__all__ = [
    "AuditEntry",
    "AuditHead",
    "ModerationCase",
    "Original",
    "PolicyVersion",
    "Reveal",
    "SubjectKey",
    "Word",
    "WordListVersion",
]
