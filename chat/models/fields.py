"""What may stand in the JSON fields of a bot."""

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

LOCALES = ("en", "zh-hans")
STARTER_QUESTIONS = 5


def validate_locale_texts(value: object) -> None:
    """A mapping from language to text."""
    if not isinstance(value, dict) or not all(
        locale in LOCALES and isinstance(text, str) for locale, text in value.items()
    ):
        raise ValidationError(_('Write one text per language: {"en": "...", "zh-hans": "..."}.'))


def validate_locale_questions(value: object) -> None:
    """A mapping from language to a short list of questions."""
    if not isinstance(value, dict) or not all(
        locale in LOCALES
        and isinstance(questions, list)
        and len(questions) <= STARTER_QUESTIONS
        and all(isinstance(question, str) and 0 < len(question) <= 120 for question in questions)
        for locale, questions in value.items()
    ):
        raise ValidationError(
            _('Write up to five questions of at most 120 characters per language: {"en": ["..."]}.')
        )


def validate_names(value: object) -> None:
    """A list of names."""
    if not isinstance(value, list) or not all(
        isinstance(name, str) and 0 < len(name) <= 80 for name in value
    ):
        raise ValidationError(_('Write a list of names: ["Moonrise lamp"].'))


def validate_origins(value: object) -> None:
    """A list of exact origins: they become ``frame-ancestors``, where a space or ``;`` would
    add directives of its own."""
    if not isinstance(value, list) or not all(
        isinstance(site, str) and is_origin(site) for site in value
    ):
        raise ValidationError(_('Write a list of origins without paths: ["https://shop.example"].'))


def is_origin(text: str) -> bool:
    """Whether ``text`` is scheme, host and optional port, and nothing else."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    shown = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
    return (
        parts.scheme in ("http", "https")
        and host != ""
        and all(c.isascii() and (c.isalnum() or c in ".-") for c in host)
        and shown == text
    )
