"""A packed encoder of random weights, a few thousand times smaller than the one that ships."""

import string
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chat.inference import artifacts
from chat.inference.artifacts import Facts
from chat.knowledge.e5_embedder import FORMAT, WEIGHTS
from training.encoder import packed

HIDDEN, LAYERS, HEADS, INNER, POSITIONS = 32, 2, 2, 64, 512
LETTERS = f"\u2581{string.ascii_lowercase}:退货茶包裹"
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")


def write(place: Path, seed: int = 0) -> Path:
    """Write it to ``place``, which is returned."""
    pieces = [*SPECIAL, *LETTERS]
    texts = [each.encode() for each in pieces]
    offsets = np.cumsum([0, *map(len, texts)]).astype(np.uint32)
    scores = np.full(len(pieces), -3.0, np.float32)
    head = b"E5S1" + struct.pack("<I", 1)
    sizes = (HIDDEN, LAYERS, HEADS, INNER, len(pieces), POSITIONS, 2, 1e-12, packed.BLOCK)
    head += struct.pack("<iiiiiiifi", *sizes)
    head += struct.pack("<iiiiiQ", len(pieces), 0, 2, 1, 3, len(b"".join(texts)))
    head += offsets.tobytes() + scores.tobytes() + b"".join(texts)
    # One replaced character: full width A is a.
    head += struct.pack("<iI", 1, 9) + struct.pack("<IBI", ord("Ａ"), 1, ord("a"))
    place.write_bytes(head + _tensors(len(head), len(pieces), np.random.default_rng(seed)))
    return place


def seal(folder: Path, name: str = "tiny", seed: int = 0) -> Path:
    """A sealed folder with one, as a model brings it along; ``folder`` is returned."""
    folder.mkdir(parents=True)
    write(folder / WEIGHTS, seed)
    artifacts.seal(folder, Facts(name, FORMAT, name, "q4", "test"))
    return folder


def model(folder: Path, *, has_search: bool) -> Path:
    """A sealed artifact that no engine could load, with or without a search called ``tuned``."""
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"model")
    if has_search:
        seal(folder / artifacts.SEARCH, "tuned")
    artifacts.seal(folder, Facts(folder.name, "genai", "tiny", "int4", "test"))
    return folder


def _tensors(start: int, vocabulary: int, draw: np.random.Generator) -> bytes:
    """The list of tensors and their bytes, which begin at ``start``."""
    made: list[tuple[str, bytes, int, bool]] = []

    def add(name: str, numbers: NDArray[np.floating]) -> None:
        is_matrix = numbers.ndim == 2 and name not in ("emb.pos", "emb.type")
        flat = numbers.astype(np.float32).ravel()
        content = packed._packed(flat) if is_matrix else flat.tobytes()
        made.append((name, content, flat.size, is_matrix))

    def matrix(name: str, *shape: int) -> None:
        add(name, draw.normal(0, 0.3, shape))

    def norm(name: str) -> None:
        add(f"{name}.w", np.ones(HIDDEN))
        add(f"{name}.b", np.zeros(HIDDEN))

    matrix("emb.word", vocabulary, HIDDEN)
    matrix("emb.pos", POSITIONS, HIDDEN)
    matrix("emb.type", 2, HIDDEN)
    norm("emb.ln")
    for layer in range(LAYERS):
        for name, rows, columns in (
            ("q", HIDDEN, HIDDEN),
            ("k", HIDDEN, HIDDEN),
            ("v", HIDDEN, HIDDEN),
            ("ao", HIDDEN, HIDDEN),
            ("fi", INNER, HIDDEN),
            ("fo", HIDDEN, INNER),
        ):
            matrix(f"l{layer}.{name}.w", rows, columns)
            add(f"l{layer}.{name}.b", draw.normal(0, 0.1, rows))
        norm(f"l{layer}.aln")
        norm(f"l{layer}.oln")
    offset = start + 4 + sum(2 + len(name) + 21 for name, *_ in made)
    listed = struct.pack("<i", len(made))
    for name, content, count, is_matrix in made:
        listed += struct.pack("<H", len(name)) + name.encode()
        listed += struct.pack("<BIQQ", int(is_matrix), count, offset, len(content))
        offset += len(content)
    return listed + b"".join(content for _, content, *_ in made)
