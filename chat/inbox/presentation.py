"""Rows as agents see them."""

from django.contrib.auth.models import User

from chat.inbox.events import LeftData, NoteData, PersonData, SuggestionData
from chat.models import LeftMessage, Note, Suggestion


def person_data(user: User) -> PersonData:
    """A colleague, by the name that colleagues know."""
    return {"id": user.pk, "name": user.get_full_name() or user.get_username()}


def note_data(note: Note) -> NoteData:
    return {
        "id": str(note.public_id),
        "author": person_data(note.author)["name"] if note.author else "",
        "text": note.text,
        "created_at": note.created_at.isoformat(),
    }


def suggestion_data(suggestion: Suggestion) -> SuggestionData:
    return {
        "id": str(suggestion.public_id),
        "by": suggestion.requested_by_id,
        "status": suggestion.status,  # type: ignore[typeddict-item]  # choices
        "text": suggestion.text,
        "source": suggestion.source,
        "confidence": suggestion.confidence,
    }


def left_data(left: LeftMessage) -> LeftData:
    """Without the contact: that is revealed on the record."""
    return {
        "id": str(left.public_id),
        "name": left.name,
        "text": left.text,
        "created_at": left.created_at.isoformat(),
        "is_answered": left.answered_at is not None,
    }
