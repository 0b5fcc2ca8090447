"""What every recogniser of personal data is, and the shape that most of them share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import regex

from moderation.normalization import View


@dataclass(frozen=True, slots=True)
class Match:
    """``view.text[start:end]`` is personal data; ``value`` is it in canonical form.

    ``score`` is 1.0 where a checksum or an unmistakable form proves it, less where context
    speaks for it. Of overlapping matches the higher score wins, then the longer one.
    """

    start: int
    end: int
    value: str = field(repr=False)
    score: float = 1.0


class Recognizer(Protocol):
    """Finds one kind of personal data in the plain form of a text. Pure; never raises.

    ``kind`` names the placeholder (``phone`` gives ``[PHONE_1]``); several recognisers may
    share one. ``name`` is unique. All take time linear in the length of the text, and look
    at most 40 characters back for context.
    """

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...

    def find(self, view: View) -> Iterator[Match]:
        """All matches, in order, without overlaps among themselves."""
        ...

    def open_from(self, view: View) -> int:
        """Where the earliest piece begins that further text could still turn into a match,
        or make a match longer or shorter; the length of the form when there is none.

        For streams: what stands before it is decided.
        """
        ...


@dataclass(frozen=True, slots=True)
class PatternRecognizer:
    """A bounded pattern, and a check of what it found.

    ``canonical`` gets the match and returns the value, or None when it is no match after all.
    The personal data is the pattern's group ``value`` where it has one, else all of the match.
    Patterns repeat nothing without a limit: that keeps both time and held-back text bounded.
    ``needs`` is a cheap pattern without which there is nothing to find. ``reads_on`` is how
    many characters after a match it looks at.
    """

    kind: str
    name: str
    pattern: "regex.Pattern[str]"
    canonical: Callable[["regex.Match[str]"], str | None]
    score: float = 1.0
    needs: "regex.Pattern[str] | None" = None
    reads_on: int = 2

    def find(self, view: View) -> Iterator[Match]:
        if self.needs is not None and not self.needs.search(view.text):
            return
        group = "value" if "value" in self.pattern.groupindex else 0
        for match in self.pattern.finditer(view.text):
            if (value := self.canonical(match)) is not None:
                yield Match(match.start(group), match.end(group), value, self.score)

    def open_from(self, view: View) -> int:
        """The first match that touches the end or runs past it."""
        length = len(view.text)
        for match in self.pattern.finditer(view.text, partial=True):
            if match.partial or match.end() + self.reads_on >= length:
                return int(match.start())
        return length
