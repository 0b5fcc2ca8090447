"""Words and how strictly they are looked for: immutable, and the same bytes every time."""

import csv
import enum
import io
from dataclasses import dataclass

LONGEST_TERM = 64


class Level(enum.StrEnum):
    """Disguises that are looked through only when a policy says so: each costs false hits."""

    LEET = "leet"
    """Digits and symbols for letters: ``sh1t``, ``@ss``."""
    PINYIN = "pinyin"
    """Chinese words written in pinyin, all or in part."""
    HOMOPHONE = "homophone"
    """Other characters of the same sound."""
    SPLIT = "split"
    """Characters taken apart (弓虽 for 强), English words broken by a space."""


@dataclass(frozen=True, slots=True)
class Word:
    """One term. ``allowed`` terms protect whatever stands inside them."""

    term: str
    category: str
    allowed: bool = False


@dataclass(frozen=True, slots=True)
class Lexicon:
    """A set of words."""

    words: tuple[Word, ...] = ()

    def to_csv(self) -> str:
        """Sorted rows of kind, category and term: equal sets give equal text."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for word in sorted(
            set(self.words), key=lambda word: (word.term, word.allowed, word.category)
        ):
            writer.writerow(["allowed" if word.allowed else "forbidden", word.category, word.term])
        return out.getvalue()

    @classmethod
    def from_csv(cls, text: str) -> "Lexicon":
        """What :meth:`to_csv` wrote. Raises ``ValueError`` for anything else."""
        return cls(
            tuple(
                Word(term, category, allowed=kind == "allowed")
                for kind, category, term in csv.reader(io.StringIO(text))
            )
        )
