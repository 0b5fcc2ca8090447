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


@functools.cache
def census(*files: str) -> frozenset[str]:
    """Names of the census of the United States (package ``names``), in lower case.

    Of each name's line only the first word counts, the rest are frequencies. Rare names are
    left out: they are ordinary words of English too often.
    """
    import names  # type: ignore[import-untyped]

    return frozenset(
        line.split(None, 1)[0].lower()
        for file in files
        for line in Path(names.FILES[file]).read_text("ascii").splitlines()[:_COMMON]
    )


_COMMON = 60_000
