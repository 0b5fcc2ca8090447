"""csbot's own list: short, and only words that no ordinary question needs.

One file per language with lines ``category: term, term``; the category ``allowed`` holds
ordinary words in which a forbidden one stands.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

from moderation.words.lexicon import Lexicon, Word

_FOLDER = Path(__file__).parent / "default_lists"
ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of forbidden words; ``severity`` from 1 (rude) to 3 (dangerous)."""

    slug: str
    severity: int
    label: str


CATEGORIES: tuple[Category, ...] = (
    Category("abuse", 1, "Insults and obscene language"),
    Category("hate", 3, "Hatred of groups of people"),
    Category("sexual", 2, "Sexual content"),
    Category("violence", 3, "Threats and violence"),
    Category("self_harm", 3, "Suicide and self-harm"),
    Category("drugs", 2, "Illegal drugs"),
    Category("weapons", 3, "Weapons and explosives"),
    Category("gambling", 2, "Illegal gambling"),
    Category("fraud", 2, "Fraud and forged documents"),
    Category("spam", 1, "Advertising spam"),
    Category("other", 1, "Other"),
)


@functools.cache
def default_lexicon() -> Lexicon:
    """The words of all languages."""
    words: dict[Word, None] = {}
    for path in sorted(_FOLDER.glob("*.txt")):
        for line in path.read_text("utf-8").splitlines():
            category, colon, terms = line.partition(":")
            if colon and not line.startswith("#"):
                allowed = category == ALLOWED
                for term in terms.split(","):
                    words[Word(term.strip(), "" if allowed else category, allowed)] = None
    return Lexicon(tuple(words))
