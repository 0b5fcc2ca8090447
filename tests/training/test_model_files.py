"""Model files cannot run code: neither does ours ask for it, nor are files accepted that could."""

import ast
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.inference import artifacts
from chat.inference.artifacts import ArtifactError, Facts
from chat.inference.engine import EngineError
from chat.inference.opening import EngineSpec, open_engine

ROOT = Path(__file__).resolve().parents[2]
OURS = ("benchmarks", "chat", "csbot", "moderation", "training")
LOADERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
SWITCHES = {"trust_remote_code": True, "allow_pickle": True, "weights_only": False}

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # Of the model libraries.
    pytest.mark.timeout(180),  # They load for a while where others compute, too.
]


def faults(source: str) -> Iterator[str]:
    """What in a piece of our code could run a model file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.split(".")[0] in LOADERS)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in LOADERS:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            if ast.unparse(node.func) == "torch.load":
                yield "torch.load"
            for each in node.keywords:
                value = each.value.value if isinstance(each.value, ast.Constant) else None
                if each.arg in SWITCHES and value is SWITCHES[each.arg]:
                    yield str(each.arg)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pickle", ["pickle"]),
        ("from joblib import load", ["joblib"]),
        ("torch.load(place, weights_only=True)", ["torch.load"]),
        ("load(place, trust_remote_code=True)", ["trust_remote_code"]),
        ("load(place, trust_remote_code=False)", []),
        ("np.load(place, allow_pickle=True)", ["allow_pickle"]),
    ],
)
def test_the_scan_sees_what_it_looks_for(source: str, found: list[str]) -> None:
    assert list(faults(source)) == found


def test_no_code_of_ours_loads_what_could_run() -> None:
    found = {
        f"{place.relative_to(ROOT)}: {fault}"
        for folder in OURS
        for place in (ROOT / folder).rglob("*.py")
        for fault in faults(place.read_text(encoding="utf-8"))
    }
    assert found == set()


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, (f"open({str(self.marker)!r}, 'w').close()",)


def zipped(name: str, data: bytes) -> bytes:
    """As torch.save writes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def tensors(header: bytes, body: bytes = b"", size: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if size is None else size) + header + body


def overlapping() -> bytes:
    one = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    return tensors(json.dumps({"a": one, "b": one}).encode(), b"\0" * 8)


PICKLED = [
    f"{name}{suffix}"
    for name in ("pytorch_model", "nested/model", "optimizer")
    for suffix in (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".BIN")
]


@pytest.mark.parametrize("name", PICKLED)
def test_files_that_run_when_they_are_loaded_are_no_part_of_an_artifact(
    tmp_path: Path, name: str
) -> None:
    marker, folder = tmp_path / "marker", tmp_path / "model"
    place = folder / name
    place.parent.mkdir(parents=True)
    place.write_bytes(pickle.dumps(Trap(marker)))
    facts = Facts("m", "safetensors", "m", "fp32", "test:")
    with pytest.raises(ArtifactError, match="could execute code"):
        artifacts.seal(folder, facts)
    # Sealed elsewhere, by somebody who does not mind.
    stored = {"facts": {"name": "m", "format": "safetensors", "base": "m", "precision": "fp32",
              "source": ""}, "files": [{"path": name, "size": 1, "sha256": "0"}]}  # fmt: skip
    (folder / artifacts.MANIFEST).write_text(json.dumps(stored))
    with pytest.raises(ArtifactError, match="could execute code"):
        open_engine(EngineSpec(artifact=folder, threads=1))
    assert not marker.exists()


@pytest.mark.parametrize("path", ["../outside.onnx", "/etc/passwd", "a/../../b", "..\\outside"])
def test_a_manifest_cannot_name_files_outside(tmp_path: Path, path: str) -> None:
    stored = {"facts": {"name": "m", "format": "genai", "base": "m", "precision": "fp32",
              "source": ""}, "files": [{"path": path, "size": 1, "sha256": "0"}]}  # fmt: skip
    (tmp_path / artifacts.MANIFEST).write_text(json.dumps(stored))
    with pytest.raises(ArtifactError, match="leads out of"):
        open_engine(EngineSpec(artifact=tmp_path, threads=1))


def test_links_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").symlink_to("/etc/passwd")
    stored = {"facts": {"name": "m", "format": "genai", "base": "m", "precision": "fp32",
              "source": ""}, "files": []}  # fmt: skip
    (tmp_path / artifacts.MANIFEST).write_text(json.dumps(stored))
    with pytest.raises(ArtifactError, match="is a link"):
        open_engine(EngineSpec(artifact=tmp_path, threads=1))


@pytest.mark.parametrize(
    "make",
    [
        pickle.dumps,
        lambda trap: zipped("archive/data.pkl", pickle.dumps(trap)),
        lambda trap: tensors(b"{}", size=2**30),
        lambda trap: tensors(b"{", size=2**63),
        lambda trap: tensors(b"not json"),
        lambda trap: overlapping(),
        lambda trap: b"",
    ],
    ids=["pickle", "zip", "long header", "longer header", "no json", "overlapping", "empty"],
)
def test_weights_that_are_no_safetensors_are_refused(
    tmp_path: Path, tiny_weights: Path, make: object
) -> None:
    marker, folder = tmp_path / "marker", tmp_path / "model"
    folder.mkdir()
    for place in tiny_weights.iterdir():
        if place.name not in (artifacts.MANIFEST, "model.safetensors"):
            (folder / place.name).write_bytes(place.read_bytes())
    assert callable(make)
    (folder / "model.safetensors").write_bytes(make(Trap(marker)))
    artifacts.seal(folder, Facts("m", "safetensors", "m", "fp32", "test:"))
    with pytest.raises(EngineError, match="cannot be loaded"):
        open_engine(EngineSpec(artifact=folder, threads=1))
    assert not marker.exists()
