"""Lists of names and of words that are none: plain text, read once."""

import functools
from pathlib import Path

_FOLDER = Path(__file__).parent / "data"


@functools.cache
def words(name: str) -> frozenset[str]:
    """The words of ``data/NAME.txt``; lines that begin with # are comments."""
    text = (_FOLDER / f"{name}.txt").read_text("utf-8")
    return frozenset(
        word for line in text.splitlines() if not line.startswith("#") for word in line.split()
    )
