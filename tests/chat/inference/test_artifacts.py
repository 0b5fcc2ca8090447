from pathlib import Path

import pytest

from chat.inference import artifacts
from chat.inference.artifacts import ArtifactError, Facts

FACTS = Facts("tiny", "genai", "tiny", "fp32", "test:")


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny-fp32"
    with artifacts.building(folder) as partial:
        (partial / "model.onnx").write_bytes(bytes(range(256)) * 40)
        (partial / "words").mkdir()
        (partial / "words" / "tokenizer.json").write_text("{}")
        artifacts.seal(partial, FACTS)
    return folder


def test_verify_returns_what_was_sealed(sealed: Path) -> None:
    manifest = artifacts.verify(sealed)
    assert manifest.facts == FACTS
    assert [(f.path, f.size) for f in manifest.files] == [
        ("model.onnx", 10240),
        ("words/tokenizer.json", 2),
    ]


def truncate(folder: Path) -> None:
    with (folder / "model.onnx").open("r+b") as file:
        file.truncate(100)


def flip_bit(folder: Path) -> None:
    with (folder / "model.onnx").open("r+b") as file:
        file.seek(5000)
        byte = file.read(1)[0]
        file.seek(5000)
        file.write(bytes([byte ^ 1]))


def remove(folder: Path) -> None:
    (folder / "words" / "tokenizer.json").unlink()


def add_foreign(folder: Path) -> None:
    (folder / "extra.json").write_text("{}")


def add_pickle(folder: Path) -> None:
    (folder / "weights.pt").write_bytes(b"x")


def add_link(folder: Path) -> None:
    (folder / "passwd").symlink_to("/etc/passwd")


def link_over(folder: Path) -> None:
    copy = folder.parent / "copy"
    (folder / "model.onnx").rename(copy)
    (folder / "model.onnx").symlink_to(copy)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "model.onnx is damaged"),
        (flip_bit, "model.onnx is damaged"),
        (remove, "words/tokenizer.json is missing"),
        (add_foreign, "extra.json does not belong"),
        (add_pickle, "weights.pt could execute code"),
        (add_link, "passwd is a link"),
        (link_over, "model.onnx is a link"),
    ],
)
def test_verify_names_the_file_it_refuses(sealed: Path, damage, message: str) -> None:  # type: ignore[no-untyped-def]
    damage(sealed)
    with pytest.raises(ArtifactError, match=message):
        artifacts.verify(sealed)


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../b", "a\\b"])
def test_manifest_may_not_lead_outside(sealed: Path, path: str) -> None:
    place = sealed / artifacts.MANIFEST
    place.write_text(place.read_text().replace('"model.onnx"', f'"{path}"'.replace("\\", "\\\\")))
    with pytest.raises(ArtifactError, match="leads out"):
        artifacts.verify(sealed)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"facts": {}, "files": []}'])
def test_damaged_manifest_is_refused(sealed: Path, text: str) -> None:
    (sealed / artifacts.MANIFEST).write_text(text)
    with pytest.raises(ArtifactError, match="damaged"):
        artifacts.verify(sealed)


def test_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is no artifact"):
        artifacts.verify(tmp_path)


def test_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def build() -> None:
        with artifacts.building(tmp_path / "new") as partial:
            (partial / "model.onnx").write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        build()
    assert list(tmp_path.iterdir()) == []


def test_unsealed_build_is_not_put_in_place(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError), artifacts.building(tmp_path / "new") as partial:
        (partial / "model.onnx").write_bytes(b"x")
    assert list(tmp_path.iterdir()) == []


def test_failed_rebuild_keeps_the_old(sealed: Path) -> None:
    with pytest.raises(RuntimeError), artifacts.building(sealed):
        raise RuntimeError
    assert artifacts.verify(sealed).facts == FACTS


def test_rebuild_replaces_and_cleans_up_after_killed_processes(sealed: Path) -> None:
    abandoned = sealed.with_name(sealed.name + ".partial-999999999")
    abandoned.mkdir()
    with artifacts.building(sealed) as partial:
        (partial / "other.json").write_text("{}")
        artifacts.seal(partial, FACTS)
    assert [f.path for f in artifacts.verify(sealed).files] == ["other.json"]
    assert [p.name for p in sealed.parent.iterdir()] == [sealed.name]


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "名"])
def test_model_names_are_plain(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArtifactError, match="is no model name"):
        artifacts.base_folder(tmp_path, name)
