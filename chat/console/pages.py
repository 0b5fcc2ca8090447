"""Pages of knowledge and training, with their styles; the frame is that of moderation's."""

from typing import Any

from django.http import HttpRequest

from moderation.console import pages
from moderation.console.pages import ReadOnly

STYLES = {"all": ("console/knowledge.css",)}


class Pages(pages.Pages):
    section = "knowledge"

    class Media:
        css = STYLES


class ReadOnlyPages(ReadOnly, Pages):
    """What is looked at and never edited by hand."""


def sent(request: HttpRequest) -> tuple[Any, ...]:
    """What was sent to a form: nothing was, until it was posted."""
    return (request.POST,) if request.method == "POST" else (None,)
