import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.exporting import NoUsableExport, Parity, Tried, choose, decision, parity

SAME = Parity(prompts=1, identical=1.0, first_divergence=None, same_decisions=None)


def tried(precision: str, size: int, right: float) -> Tried:
    return Tried(precision, size, right, seconds=0.5, tokens_per_second=40.0, parity=SAME)


@pytest.mark.parametrize(
    ("text", "number"),
    [("2", 2), (" 2\n", 2), ("0", 0), ("2. Three days", 2), ("12", 12), ("123", None),
     ("Three", None), ("", None), ("2nd", None)],
)  # fmt: skip
def test_decision(text: str, number: int | None) -> None:
    assert decision(text) == number


def test_parity_of_texts_and_decisions() -> None:
    found = parity(["1", "2", "0", "3"], ["1", "2 ", "1", "3"])
    assert found == Parity(prompts=4, identical=0.75, first_divergence=0, same_decisions=0.75)


def test_parity_of_free_texts_tells_where_they_part() -> None:
    found = parity(["Three days.", "Yes.", "A"], ["Three weeks.", "Yes.", "A B"])
    assert found.identical == pytest.approx(1 / 3)
    assert found.first_divergence == 3.5
    assert found.same_decisions is None


def test_parity_of_nothing() -> None:
    assert parity([], []) == Parity(0, 1.0, None, None)


@given(st.lists(st.text(max_size=8)))
def test_a_model_is_at_parity_with_itself(texts: list[str]) -> None:
    found = parity(texts, texts)
    assert found.identical == 1.0
    assert found.same_decisions in (None, 1.0)


@pytest.mark.parametrize(
    ("int4", "int8", "fp32", "chosen"),
    [
        (0.95, 0.95, 0.95, "int4"),
        (0.94, 0.95, 0.95, "int4"),
        (0.93, 0.95, 0.95, "int8"),
        (0.93, 0.93, 0.95, "fp32"),
        # Better than the weights by luck: the others are measured by it, too.
        (0.90, 0.97, 0.95, "int8"),
    ],
)
def test_the_smallest_that_is_about_as_right(
    int4: float, int8: float, fp32: float, chosen: str
) -> None:
    exports = [tried("fp32", 540, fp32), tried("int4", 86, int4), tried("int8", 160, int8)]
    assert choose(exports, reference=0.95).precision == chosen


def test_no_export_is_as_right_as_the_weights() -> None:
    with pytest.raises(NoUsableExport, match=r"95.0%.*int4 93.0%"):
        choose([tried("int4", 86, 0.93)], reference=0.95)
    with pytest.raises(NoUsableExport, match="none"):
        choose([], reference=0.95)
