"""The packed file is read and written without losing anything, and nothing else is taken for one."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chat.knowledge.e5_embedder import shipped_weights
from tests.training.encoder import tiny
from training.encoder import packed
from training.encoder.packed import Packed, PackedError


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return packed.read(tiny.write(tmp_path_factory.mktemp("tiny") / "tiny.q4"))


def test_nothing_changed_is_the_same_file() -> None:
    shipped = packed.read(shipped_weights())
    names = [each for each in shipped.places if not each.startswith("emb.")]
    assert len(names) == 16 * shipped.sizes.layers
    same = shipped.replaced({each: shipped.tensor(each) for each in names})
    assert same == shipped.content


@given(
    arrays(
        np.float32,
        tiny.HIDDEN * tiny.HIDDEN,
        elements=st.floats(-8, 8, width=32, allow_subnormal=False),
    )
)
def test_a_matrix_comes_back_within_half_a_step(
    small: Packed, numbers: np.ndarray[tuple[int], np.dtype[np.float32]]
) -> None:
    changed = _reread(small.replaced({"l0.q.w": numbers}), small)
    back = changed.tensor("l0.q.w").reshape(-1, packed.BLOCK)
    asked = numbers.reshape(-1, packed.BLOCK)
    # Eight steps on the side of the largest number and seven on the other, where one more may be cut.
    step = np.abs(asked).max(axis=1, keepdims=True) / 8
    assert (np.abs(back - asked) <= step * 1.01 + 1e-6).all()


def test_only_the_named_tensor_changes(small: Packed) -> None:
    changed = _reread(small.replaced({"l1.fo.b": np.full(tiny.HIDDEN, 2.0, np.float32)}), small)
    assert (changed.tensor("l1.fo.b") == 2).all()
    for name in small.places:
        if name != "l1.fo.b":
            np.testing.assert_array_equal(changed.tensor(name), small.tensor(name))


@pytest.mark.parametrize(
    ("name", "count"), [("l0.q.w", 5), ("l9.q.w", tiny.HIDDEN**2), ("../x", 1)]
)
def test_what_does_not_fit_is_refused(small: Packed, name: str, count: int) -> None:
    with pytest.raises(PackedError):
        small.replaced({name: np.zeros(count, np.float32)})


@pytest.mark.parametrize("keep", [3, 20, 200, 1000, -1])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, keep: int) -> None:
    place = tiny.write(tmp_path / "tiny.q4")
    place.write_bytes(place.read_bytes()[:keep])
    with pytest.raises(PackedError):
        packed.read(place)


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"GGUF" + bytes(500))
    with pytest.raises(PackedError, match="no packed encoder"):
        packed.read(tmp_path / "other")


def _reread(content: bytes, like: Packed) -> Packed:
    return Packed(like.sizes, like.pieces, content, like.places)
