"""Which tokens every row of the decoder holds, and which rows are in use.

The rows ``0 .. running - 1`` decode together. The others are memory: they keep what was last
in them, so that a prompt which begins like an earlier one (the same bot's instructions, the
same conversation's earlier turns) is copied as far as it agrees and read only from there.
"""

from collections.abc import Sequence

from chat.inference.decoder import Logits, RowDecoder


class Rows:
    """Bookkeeping over one :class:`RowDecoder`; used by one thread."""

    def __init__(self, decoder: RowDecoder) -> None:
        self._decoder = decoder
        self._held: list[list[int]] = [[] for _ in range(decoder.rows)]
        self._used = [0] * decoder.rows
        self._clock = 0
        self.running = 0

    def place(self, tokens: Sequence[int]) -> tuple[int, int]:
        """An idle row for ``tokens`` and how many of them it holds already.

        The last token is never among them: its step yields the first logits.
        """
        source, kept = self._longest_prefix(tokens[:-1])
        if source >= self.running and kept == len(self._held[source]):
            row = source
        else:
            row = min(range(self.running, len(self._held)), key=self._used.__getitem__)
            if row != source:
                self._decoder.copy(source, row, kept)
        self._held[row] = list(tokens[:kept])
        self._touch(row)
        return row, kept

    def read(self, row: int, tokens: Sequence[int]) -> None:
        """Append ``tokens`` to what an idle row holds."""
        self._decoder.read(row, tokens, len(self._held[row]))
        self._held[row].extend(tokens)
        self._touch(row)

    def weigh(self, row: int, tokens: Sequence[int]) -> Logits:
        """The same, with the logits after each of ``tokens``."""
        logits = self._decoder.weigh(row, tokens, len(self._held[row]))
        self._held[row].extend(tokens)
        self._touch(row)
        return logits

    def join(self, row: int) -> int:
        """Let an idle row decode from the next step on; returns its new number."""
        place = self.running
        self._exchange(row, place)
        self.running += 1
        return place

    def leave(self, row: int) -> int:
        """Take a row out; returns the number of the one that now has its place, or itself."""
        self.running -= 1
        self._exchange(row, self.running)
        self._touch(self.running)
        return self.running

    def step(self, tokens: Sequence[int]) -> Logits:
        """Append one token to every running row; the logits that follow."""
        logits = self._decoder.step(tokens, [len(held) for held in self._held[: self.running]])
        for held, token in zip(self._held, tokens, strict=False):
            held.append(token)
        return logits

    def _longest_prefix(self, tokens: Sequence[int]) -> tuple[int, int]:
        lengths = [_common(held, tokens) for held in self._held]
        best = max(range(len(lengths)), key=lengths.__getitem__)
        return best, lengths[best]

    def _exchange(self, one: int, other: int) -> None:
        if one == other:
            return
        held = self._held
        self._decoder.swap(one, other, max(len(held[one]), len(held[other])))
        held[one], held[other] = held[other], held[one]
        self._used[one], self._used[other] = self._used[other], self._used[one]

    def _touch(self, row: int) -> None:
        self._clock += 1
        self._used[row] = self._clock


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    limit = min(len(one), len(other))
    return next((i for i in range(limit) if one[i] != other[i]), limit)
