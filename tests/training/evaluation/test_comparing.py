import pytest

from training.evaluation.comparing import Answered, Change, change, compare


def answered(digest: str, outcome: str, given: str = "", scenario: str = "delivery") -> Answered:
    return Answered(digest, scenario, f"question {digest}", "expected", given or outcome, outcome)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("wrong", "right", Change.BETTER),
        ("handed_over", "right", Change.BETTER),
        ("right", "wrong", Change.BROKE),
        ("right", "handed_over", Change.BROKE),
        ("wrong", "handed_over", Change.BOTH_WRONG),
        ("right", "right", Change.BOTH_RIGHT),
    ],
)
def test_change(before: str, after: str, expected: Change) -> None:
    assert change(answered("a", before), answered("a", after)) is expected


def test_every_changed_answer_stands_beside_the_one_before() -> None:
    before = [answered("a", "wrong"), answered("b", "right"), answered("c", "right", "same")]
    after = [answered("a", "right"), answered("b", "wrong"), answered("c", "right", "same ")]
    found = compare(before, after)
    assert [(each.before.digest, each.change) for each in found.changed] == [
        ("a", Change.BETTER),
        ("b", Change.BROKE),
    ]
    assert (found.total, found.right_before, found.right_after) == (3, 2, 2)


def test_scenarios_count_what_both_were_asked() -> None:
    before = [
        answered("a", "wrong"),
        answered("b", "right", scenario="returns"),
        answered("x", "right"),
    ]
    after = [
        answered("b", "right", scenario="returns"),
        answered("a", "right"),
        answered("y", "right"),
    ]
    found = compare(before, after)
    assert [(each.scenario, each.before, each.after) for each in found.scenarios] == [
        ("delivery", 0.0, 1.0),
        ("returns", 1.0, 1.0),
    ]
    assert (found.only_before, found.only_after) == (1, 1)
    assert found.scenarios[0].interval[0] < 1.0


def test_nothing_in_common() -> None:
    found = compare([], [answered("a", "right")])
    assert (found.total, found.scenarios, found.changed, found.only_after) == (0, (), (), 1)
