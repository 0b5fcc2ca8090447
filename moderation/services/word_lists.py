"""Imported lists: looked at first, with what they would do to real messages, then added."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.module_loading import import_string

from moderation.actors import named
from moderation.models import Word
from moderation.services import audit
from moderation.services.originals import NotAllowed
from moderation.services.policies import active_rules
from moderation.words import lexicon
from moderation.words.lexicon import Lexicon
from moderation.words.matcher import WordMatcher

SAMPLE_MESSAGES = 5000


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would change. ``hits`` counts recent messages per new forbidden term,
    the most frequent first; ``messages`` is how many were looked at."""

    new: tuple[lexicon.Word, ...]
    known: int
    hits: tuple[tuple[str, int], ...]
    messages: int


def preview(words: Sequence[lexicon.Word]) -> Preview:
    """Compare ``words`` with the draft and try the new ones on recent messages."""
    known = set(Word.objects.values_list("term", "kind"))
    new = tuple(dict.fromkeys(word for word in words if (word.term, _kind(word)) not in known))
    texts = recent_texts()
    matcher = WordMatcher(Lexicon(new), active_rules().levels)
    counts: dict[str, int] = {}
    for text in texts:
        for term in {match.term for match in matcher.find(text)}:
            counts[term] = counts.get(term, 0) + 1
    hits = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return Preview(new, len(set(words)) - len(new), tuple(hits), len(texts))


@transaction.atomic
def add(words: Sequence[lexicon.Word], *, by: User | None) -> int:
    """Add to the draft what is not there yet; returns how many. Raises :class:`NotAllowed`."""
    if by is not None and not by.has_perm("moderation.add_word"):
        raise NotAllowed
    before = Word.objects.count()
    Word.objects.bulk_create(
        [
            Word(term=word.term, kind=_kind(word), category=word.category, created_by=by)
            for word in words
        ],
        ignore_conflicts=True,
        batch_size=1000,
    )
    added = Word.objects.count() - before
    audit.record("words.added", facts={"words": added}, by=named(by))
    return added


def recent_texts() -> list[str]:
    """Recent messages of customers, masked, from whoever keeps them."""
    source: Callable[[int], list[str]] = import_string(settings.MODERATION_SAMPLE)
    return source(SAMPLE_MESSAGES)


def _kind(word: lexicon.Word) -> str:
    return Word.Kind.ALLOWED if word.allowed else Word.Kind.FORBIDDEN
