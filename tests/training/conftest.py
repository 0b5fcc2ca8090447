import warnings
from pathlib import Path

import pytest

from tests.chat.inference import tiny


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as sealed fp32 weights."""
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    with warnings.catch_warnings(action="ignore"):
        tiny.make_base(folder)
    return folder
