"""Files of conversations, in the formats that others keep them in. Knows no Django."""

from training.formats.entries import (
    LARGEST_FILE,
    Contents,
    Entry,
    Fail,
    Fault,
    FileRefused,
    Format,
    RowRefused,
    Turn,
    conversation,
)
from training.formats.reading import read
from training.formats.writing import written

__all__ = [
    "LARGEST_FILE",
    "Contents",
    "Entry",
    "Fail",
    "Fault",
    "FileRefused",
    "Format",
    "RowRefused",
    "Turn",
    "conversation",
    "read",
    "written",
]
