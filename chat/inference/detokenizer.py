"""Token ids as they come, text as soon as it is whole characters.

A Chinese character or an emoji may take several tokens; half of one must not reach a screen.
"""

from collections.abc import Callable, Sequence

_BROKEN = "\ufffd"
_LONGEST_CHARACTER = 4
"""A character has at most four bytes, so at most four tokens."""


class Detokenizer:
    """Turns one answer's tokens into deltas. ``decode`` is that of the tokenizer."""

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        # A window instead of all ids: the cost of a token must not grow with the answer.
        self._shown: list[int] = []
        self._pending: list[int] = []

    def push(self, token: int) -> str:
        """The text that ``token`` completes, often empty."""
        self._pending.append(token)
        before = self._decode(self._shown)
        text = self._decode(self._shown + self._pending)
        if text.endswith(_BROKEN) and len(self._pending) < _LONGEST_CHARACTER:
            return ""
        # Some tokenizers drop a leading space, so the shown part gives the context.
        self._shown, self._pending = self._pending, []
        return text[len(before) :].replace(_BROKEN, "")

    def finish(self) -> str:
        """What was held back and can be shown after all."""
        before = self._decode(self._shown)
        text = self._decode(self._shown + self._pending)
        self._shown, self._pending = [], []
        return text[len(before) :].replace(_BROKEN, "")
