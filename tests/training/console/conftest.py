from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.training.candidates import Stage


@pytest.fixture
def stage(settings: Any, tmp_path: Any) -> Stage:
    """A bot that a model serves, its files in folders of the test's own."""
    # A conftest named on the command line is read before Django's apps are.
    from tests.training import candidates

    settings.VAR_DIR = tmp_path
    settings.MODELS_DIR = tmp_path / "models"
    return candidates.stage()
