"""Artifact folders: model files, tokenizer, chat template and a manifest that seals them.

The manifest holds the size and SHA-256 of every file, so that a damaged, missing or foreign
file is refused by name before anything of it is loaded. Folders are written beside their
place and renamed into it: whoever looks sees a whole artifact or none.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

MANIFEST = "manifest.json"
SEARCH = "search"
PICKLE_SUFFIXES = frozenset({".bin", ".pt", ".pth", ".pkl", ".ckpt"})
"""Files that loading may execute as code. No artifact holds one."""


class ArtifactError(Exception):
    """An artifact folder cannot be used; the text names the file and is safe to show."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an artifact is, as its maker states it.

    ``format`` is ``safetensors``, ``genai`` or ``onnx``, and ``e5`` for an embedder; ``precision`` is that of the weights.
    ``style`` is what it was tuned to write, see :data:`chat.prompts.Style`.
    """

    name: str
    format: str
    base: str
    precision: str
    source: str
    style: str = "words"


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One file of an artifact: its path inside the folder, size in bytes and SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts of an artifact and every file that belongs to it."""

    facts: Facts
    files: tuple[SealedFile, ...]


def base_folder(models: Path, name: str) -> Path:
    """Where the base model ``name`` lives below the models folder."""
    return models / "base" / _plain(name)


def serving_folder(models: Path, name: str, precision: str) -> Path:
    """Where the export of ``name`` in ``precision`` lives below the models folder."""
    return models / "serving" / _plain(f"{name}-{precision}")


def search_of(artifact: Path) -> Path | None:
    """The embedder that a model brings along, a sealed folder in its own; None without one."""
    folder = artifact / SEARCH
    return folder if folder.is_dir() else None


def seal(folder: Path, facts: Facts) -> Manifest:
    """Write the manifest over all files in ``folder``. Raises :class:`ArtifactError`."""
    files = tuple(
        SealedFile(path, (folder / path).stat().st_size, _sha256(folder / path))
        for path in sorted(_paths(folder))
    )
    if not files:
        raise ArtifactError(f"There is nothing to seal in {folder.name}.")
    manifest = Manifest(facts, files)
    text = json.dumps(asdict(manifest), indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """The manifest as it stands, its files unchecked. Raises :class:`ArtifactError`."""
    place = folder / MANIFEST
    if place.is_symlink() or not place.is_file():
        raise ArtifactError(f"{folder.name} is no artifact: {MANIFEST} is missing.")
    try:
        stored = json.loads(place.read_text(encoding="utf-8"))
        files = tuple(SealedFile(**entry) for entry in stored["files"])
        return Manifest(Facts(**stored["facts"]), files)
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{folder.name}: {MANIFEST} is damaged.") from error


def digest(folder: Path) -> str:
    """The SHA-256 of the manifest, which holds those of all other files: what an artifact is
    known by elsewhere. Raises :class:`ArtifactError`."""
    try:
        return _sha256(folder / MANIFEST)
    except OSError as error:
        raise ArtifactError(f"{folder.name} is no artifact: {MANIFEST} is missing.") from error


def verify(folder: Path, *, manifest_sha256: str = "") -> Manifest:
    """Check every file against the manifest; raises :class:`ArtifactError` naming the first.

    With ``manifest_sha256`` the manifest itself has to be the one that is known elsewhere:
    whoever changed a file could have sealed the folder again.
    """
    manifest = read_manifest(folder)
    if manifest_sha256 and digest(folder) != manifest_sha256:
        raise ArtifactError(f"{folder.name}: {MANIFEST} is not the one that was approved.")
    present = set(_paths(folder))
    for entry in manifest.files:
        _check_path(entry.path)
        if entry.path not in present:
            raise ArtifactError(f"{folder.name}: {entry.path} is missing.")
    foreign = present - {entry.path for entry in manifest.files}
    if foreign:
        raise ArtifactError(f"{folder.name}: {min(foreign)} does not belong to the artifact.")
    for entry in manifest.files:
        place = folder / entry.path
        if place.stat().st_size != entry.size or _sha256(place) != entry.sha256:
            raise ArtifactError(f"{folder.name}: {entry.path} is damaged.")
    return manifest


@contextmanager
def building(target: Path) -> Iterator[Path]:
    """A folder beside ``target`` to fill and seal; renamed into place when the block ends.

    An existing ``target`` is replaced. If the block raises, nothing is left behind.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(target)
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
    partial.mkdir()
    try:
        yield partial
        read_manifest(partial)
        _flush(partial)
        _put_in_place(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def fill(folder: Path, source: Path, *, with_manifest: bool = True) -> None:
    """Put the files of the artifact ``source`` into ``folder``: links where the file system has
    them, for nobody writes into a sealed file."""

    def ignored(place: str, names: list[str]) -> list[str]:
        is_left_out = not with_manifest and Path(place) == source
        return [MANIFEST] if is_left_out and MANIFEST in names else []

    shutil.copytree(source, folder, copy_function=_link_or_copy, ignore=ignored, dirs_exist_ok=True)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Another file system, or one without links.
        shutil.copy2(source, target)


def _plain(name: str) -> str:
    if not name or name.startswith(".") or not set(name) <= _NAME_CHARACTERS:
        raise ArtifactError(f"{name!r} is no model name: use letters, digits, '.', '-' and '_'.")
    return name


_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")


def _paths(folder: Path) -> Iterator[str]:
    for place in folder.rglob("*"):
        path = place.relative_to(folder).as_posix()
        if place.is_symlink():
            raise ArtifactError(f"{folder.name}: {path} is a link.")
        if place.is_dir() or path == MANIFEST:
            continue
        _check_path(path)
        yield path


def _check_path(path: str) -> None:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path:
        raise ArtifactError(f"{path} leads out of the artifact.")
    if pure.suffix.lower() in PICKLE_SUFFIXES:
        raise ArtifactError(f"{path} could execute code when loaded and is refused.")


def _sha256(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(folder: Path) -> None:
    for place in [folder, *folder.rglob("*")]:
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _put_in_place(partial: Path, target: Path) -> None:
    if target.exists():
        # Two renames: a folder cannot replace a folder that is not empty.
        old = target.with_name(f"{target.name}.replaced-{os.getpid()}")
        target.rename(old)
        partial.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        partial.rename(target)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_abandoned(target: Path) -> None:
    """Folders that a killed process left beside ``target``."""
    for kind in ("partial", "replaced"):
        for place in target.parent.glob(f"{target.name}.{kind}-*"):
            owner = place.name.rpartition("-")[2]
            if owner.isdigit() and not _is_running(int(owner)):
                shutil.rmtree(place, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
