from typing import Any

import pytest

from training.evaluation.comparing import Comparison
from training.evaluation.gating import objections


def comparison(before: int, after: int, total: int = 100) -> Comparison:
    return Comparison(total, before, after, (), (), 0, 0)


@pytest.mark.parametrize(
    ("suites", "compared", "found"),
    [
        ({}, None, []),
        ({}, comparison(90, 95), []),
        ({}, comparison(90, 89), []),
        ({}, comparison(90, 88), ["worse"]),
        ({}, comparison(0, 0, total=0), []),
        ({"safety": {"breaches": []}}, comparison(90, 90), []),
        ({"safety": {"breaches": [{}]}}, None, ["breaches"]),
        ({"memory": {"is_safe": False}}, comparison(90, 80), ["worse", "memorised"]),
        ({"memory": {"is_safe": True}, "forgetting": {"skipped": "x"}}, None, []),
    ],
)
def test_objections(suites: Any, compared: Comparison | None, found: list[str]) -> None:
    assert objections(suites, compared) == found
