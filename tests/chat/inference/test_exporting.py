import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from chat.inference import artifacts, exporting
from chat.inference.artifacts import ArtifactError
from chat.inference.engine import GenerationParams
from chat.inference.exporting import ExportError
from chat.inference.opening import EngineSpec, open_engine

pytestmark = pytest.mark.filterwarnings("ignore")  # Of the model libraries.


@pytest.mark.parametrize("precision", ["int4", "int4-kquant", "int4-mixed", "int8"])
def test_quantised_export_answers(tiny_export: Callable[[str, str], Path], precision: str) -> None:
    folder = tiny_export("genai", precision)
    assert artifacts.verify(folder).facts.precision == precision
    engine = open_engine(EngineSpec(artifact=folder, threads=1, context_length=64))
    try:
        params = GenerationParams(max_new_tokens=8)
        assert "".join(engine.stream("one", [{"role": "user", "content": "Hello"}], params))
    finally:
        engine.close()


def test_export_keeps_the_tokenizer_as_it_is(
    tiny_base: Path, tiny_export: Callable[[str, str], Path]
) -> None:
    folder = tiny_export("genai", "fp32")
    for name in ("tokenizer.json", "chat_template.jinja"):
        assert (folder / name).read_bytes() == (tiny_base / name).read_bytes()


def test_damaged_base_is_not_exported(tiny_base: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for place in tiny_base.iterdir():
        (copy / place.name).write_bytes(place.read_bytes())
    (copy / "config.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"config\.json is damaged"):
        exporting.export(copy, tmp_path / "target")
    assert [p.name for p in tmp_path.iterdir()] == ["copy"]


def test_unknown_precision_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no precision int3"):
        exporting.export(tiny_base, tmp_path / "target", precision="int3")


def test_unknown_architecture_leaves_nothing(tiny_base: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    with artifacts.building(base) as folder:
        for place in tiny_base.iterdir():
            if place.name != artifacts.MANIFEST:
                (folder / place.name).write_bytes(place.read_bytes())
        config = (folder / "config.json").read_text()
        (folder / "config.json").write_text(config.replace("LlamaForCausalLM", "NoSuchModel"))
        artifacts.seal(folder, artifacts.Facts("odd", "safetensors", "odd", "fp32", "test:"))
    with warnings.catch_warnings(action="ignore"), pytest.raises(ExportError, match="odd cannot"):
        exporting.export(base, tmp_path / "target")
    assert [p.name for p in tmp_path.iterdir()] == ["base"]
