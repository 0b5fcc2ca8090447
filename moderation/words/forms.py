"""The forms of a text in which words are searched, each with a way back to the original.

The base form is :func:`moderation.normalization.folded`. A :class:`Skeleton` of a form leaves
out separators and counts repeated characters once, so that ``f - u u u c k`` and ``fuck`` are
the same; where and how often characters really stood is looked up only for what was found.
"""

import functools
import re
from dataclasses import dataclass, field
from typing import Protocol

from moderation.normalization import View

# Clauses end here: nothing is one word across them.
BARRIERS = frozenset("。、，！？；：,;?!:\n\t")
_RUN = re.compile(r"(.)\1+", re.DOTALL)


class Form(Protocol):
    """A normal form: its text, and the span of the original behind each piece of it."""

    @property
    def text(self) -> str: ...
    def span(self, start: int, end: int) -> tuple[int, int]: ...


@dataclass(frozen=True, slots=True)
class MappedForm:
    """A form made of pieces of another one: ``spans[i]`` is where ``text[i]`` comes from."""

    text: str
    spans: tuple[tuple[int, int], ...] = field(repr=False)

    def span(self, start: int, end: int) -> tuple[int, int]:
        return self.spans[start][0], self.spans[end - 1][1]


class _Separators(dict[int, int | None]):
    """Drops what is no letter, digit or barrier; remembers what it has seen."""

    def __missing__(self, codepoint: int) -> int | None:
        character = chr(codepoint)
        keep = character.isalnum() or character in BARRIERS
        self[codepoint] = kept = codepoint if keep else None
        return kept


_SEPARATORS = _Separators()


class Skeleton:
    """A form without separators and repeats. Index by skeleton position."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.text = _RUN.sub(r"\1", form.text.translate(_SEPARATORS))

    @functools.cached_property
    def places(self) -> list[tuple[int, ...]]:
        """For each character of the skeleton all its positions in the form."""
        places: list[tuple[int, ...]] = []
        last = ""
        for index, character in enumerate(self.form.text):
            if character == last:
                places[-1] += (index,)
            elif _SEPARATORS[ord(character)] is not None:
                places.append((index,))
                last = character
        return places


def skeleton_of(text: str) -> str:
    """The skeleton of a text that is in its form already."""
    return _RUN.sub(r"\1", text.translate(_SEPARATORS))


def joined(view: View, replacements: dict[str, str]) -> MappedForm:
    """``view`` with single characters replaced one by one."""
    text = "".join(replacements.get(character, character) for character in view.text)
    return MappedForm(text, tuple(view.span(i, i + 1) for i in range(len(view.text))))
