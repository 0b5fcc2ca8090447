import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chat.inference.artifacts import ArtifactError
from chat.inference.engine import EngineError
from chat.inference.opening import EngineSpec, open_engine, resolve


def test_auto_follows_the_artifact(
    tiny_base: Path, tiny_export: Callable[[str, str], Path]
) -> None:
    assert resolve(EngineSpec(artifact=tiny_export("genai", "fp32"))).engine == "genai"
    assert resolve(EngineSpec(artifact=tiny_base)).engine == "transformers"
    assert resolve(EngineSpec(openai_url="http://server/v1")).engine == "openai"


def test_auto_without_a_model_is_refused() -> None:
    with pytest.raises(EngineError, match="No model is named"):
        resolve(EngineSpec())


@pytest.mark.parametrize(
    "spec",
    [
        EngineSpec(engine="magic"),
        EngineSpec(engine="transformers", device="tpu"),
        EngineSpec(engine="genai", device="cuda"),
        EngineSpec(engine="genai"),
        EngineSpec(engine="openai"),
    ],
)
def test_impossible_specs_are_refused(spec: EngineSpec) -> None:
    with pytest.raises(EngineError) as refusal:
        open_engine(spec)
    assert not refusal.value.retryable


def test_engine_that_cannot_load_the_format_is_refused(tiny_base: Path) -> None:
    with pytest.raises(EngineError, match="cannot load it"):
        open_engine(EngineSpec(engine="genai", artifact=tiny_base))


def test_damaged_artifact_is_not_loaded(
    tiny_export: Callable[[str, str], Path], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for place in tiny_export("genai", "fp32").iterdir():
        (copy / place.name).write_bytes(place.read_bytes())
    with (copy / "model.onnx.data").open("r+b") as file:
        file.truncate(64)
    with pytest.raises(ArtifactError, match=r"model\.onnx\.data is damaged"):
        open_engine(EngineSpec(artifact=copy))


def test_serving_process_loads_neither_torch_nor_transformers(
    tiny_export: Callable[[str, str], Path],
) -> None:
    program = f"""
import sys, time
from pathlib import Path
from chat.inference.engine import GenerationParams
from chat.inference.opening import EngineSpec, open_engine
engine = open_engine(EngineSpec(artifact=Path({str(tiny_export("genai", "fp32"))!r})))
list(engine.stream("one", [{{"role": "user", "content": "Hi"}}], GenerationParams(4)))
used = time.process_time()
time.sleep(0.3)
assert time.process_time() - used < 0.05, "an idle engine burns CPU"
heavy = {{"torch", "transformers", "onnxruntime_genai", "django"}} & set(sys.modules)
assert not heavy, heavy
engine.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
