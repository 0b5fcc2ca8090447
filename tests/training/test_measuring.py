"""Steps that are measured before a run."""

from pathlib import Path

import pytest

from training import measuring


def test_steps_that_take_too_long_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to guess from an empty reason why a plan could not be made."""
    monkeypatch.setattr(measuring, "SECONDS", 0.01)
    with pytest.raises(measuring.CannotMeasure, match="not done in"):
        measuring.measure(tmp_path)
