"""The trained weights of a run become what customers are served.

Each precision of the recipe is exported, answers the same held-out questions as the weights do under
torch, and the smallest that is about as right is chosen. What was done already and is whole is
passed over, so this may run again after a crash at any moment.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chat.inference import artifacts
from chat.inference.exporting import ExportError, export
from training.crash_points import crash_point
from training.evaluation.figures import measure
from training.evaluation.judging import Judged, judge
from training.exporting import NoUsableExport, Tried, choose, is_close, parity
from training.failures import RunFailure
from training.frozen import FrozenRow
from training.models import TrainingRun
from training.progress import ProgressWriter
from training.services import responders
from training.services.freezing import rows_of
from training.services.responders import Opened, Opening
from training.trainer.recipe import Recipe, parse

FOLDER = "exports"
FILE = "export.json"
WEIGHTS = "weights"
QUESTIONS = 80
"""So many of the dev questions that reach the model are asked of torch and of each export."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was chosen. ``figures`` say what was compared, as stored with the model version."""

    folder: Path
    figures: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Examined:
    """What one artifact answered: judged, and as the model itself wrote it."""

    judged: Sequence[Judged]
    texts: Sequence[str]

    @property
    def right(self) -> float:
        return sum(each.is_right for each in self.judged) / len(self.judged) if self.judged else 1.0


def export_run(
    run: TrainingRun, folder: Path, fence: int, opening: Opening | None = None
) -> Exported:
    """Export and choose. Raises :class:`RunFailure` when no export is good enough, and
    ``ArtifactError`` when the weights are damaged: training has to seal them again."""
    if (done := chosen_or_none(folder)) is not None:
        return done
    crash_point("export.started")
    recipe = parse(run.recipe)
    search = artifacts.search_of(folder)
    opening = opening or responders.opening(run.bot, responders.ALWAYS_SURE, search=search)
    weights = folder / WEIGHTS
    artifacts.verify(weights)
    progress = _Progress(ProgressWriter(folder, fence), 1 + len(recipe.export.precisions))
    rows = [row for row in rows_of(run.dataset_version) if row.split == "dev"]
    reference = _examine_until(QUESTIONS, weights, rows, opening, progress)
    if recipe.export.format == "none":
        name = _unchanged(folder) if search else WEIGHTS
        return _write(folder, name, {"reference": reference.right, "tried": []})
    return _choose(recipe, folder, reference, opening, progress)


def chosen_or_none(folder: Path) -> Exported | None:
    """What :func:`export_run` chose earlier, if it is whole."""
    try:
        stored = json.loads((folder / FILE).read_text(encoding="utf-8"))
        place = folder / str(stored["folder"])
        artifacts.verify(place)
        if not _brings(place, artifacts.search_of(folder)):
            return None
    except (OSError, ValueError, KeyError, artifacts.ArtifactError):
        return None
    return Exported(place, stored["figures"])


def _choose(
    recipe: Recipe, folder: Path, reference: _Examined, opening: Opening, progress: "_Progress"
) -> Exported:
    tolerance = max(recipe.export.tolerance, 1 / max(1, len(reference.judged)))
    tried: list[Tried] = []
    failures: list[str] = []
    for precision in recipe.export.precisions:
        try:
            place = _exported(folder, recipe.export.format, precision)
        except ExportError as error:
            failures.append(str(error))
            continue
        crash_point("export.exported")
        tried.append(_try(place, precision, reference, opening, progress))
        best = max([reference.right, *(each.right for each in tried)])
        if is_close(tried[-1].right, best, tolerance):
            # The recipe names them from the smallest on: a larger one is not wanted any more.
            break
    try:
        chosen = choose(tried, reference=reference.right, tolerance=tolerance)
    except NoUsableExport as error:
        raise RunFailure("no_usable_export", " ".join([str(error), *failures])) from error
    figures = {
        "reference": reference.right,
        "tolerance": tolerance,
        "chosen": chosen.precision,
        "tried": [each.as_json() for each in tried],
        "failures": failures,
    }
    return _write(folder, f"{FOLDER}/{chosen.precision}", figures)


def _exported(folder: Path, format: str, precision: str) -> Path:
    place, search = folder / FOLDER / precision, artifacts.search_of(folder)
    try:
        artifacts.verify(place)
        is_there = _brings(place, search)
    except artifacts.ArtifactError:
        is_there = False
    if not is_there:
        export(folder / WEIGHTS, place, precision=precision, format=format, search=search)
    return place


def _brings(place: Path, search: Path | None) -> bool:
    """Whether an export holds this search, which may have been tuned anew since. Raises
    ``ArtifactError``."""
    held = artifacts.search_of(place)
    if held is None or search is None:
        return held is search
    return artifacts.digest(held) == artifacts.digest(search)


def _unchanged(folder: Path) -> str:
    """The weights as they are, with the search that was tuned for them."""
    name = f"{FOLDER}/unchanged"
    artifacts.verify(folder / artifacts.SEARCH)
    with artifacts.building(folder / name) as partial:
        artifacts.fill(partial, folder / WEIGHTS, with_manifest=False)
        artifacts.fill(partial / artifacts.SEARCH, folder / artifacts.SEARCH)
        artifacts.seal(partial, artifacts.read_manifest(folder / WEIGHTS).facts)
    return name


def _try(
    place: Path, precision: str, reference: _Examined, opening: Opening, progress: "_Progress"
) -> Tried:
    rows = [each.row for each in reference.judged]
    found = _examine(place, rows, opening, progress)
    speed = measure(found.judged).model_speed
    return Tried(
        precision=precision,
        size=sum(each.size for each in artifacts.read_manifest(place).files),
        right=found.right,
        seconds=speed.mean or 0.0,
        tokens_per_second=speed.tokens_per_second,
        parity=parity(reference.texts, found.texts),
    )


def _examine_until(
    wanted: int, place: Path, rows: Sequence[FrozenRow], opening: Opening, progress: "_Progress"
) -> _Examined:
    """Ask until so many questions have reached the model; only those are kept."""
    judged: list[Judged] = []
    texts: list[str] = []
    with opening(place) as opened:
        # The same in every run, and not the order in which they were written.
        for row in sorted(rows, key=lambda row: row.id):
            if len(judged) == wanted:
                break
            found, text = _ask(row, opened)
            if text is not None:
                judged.append(found)
                texts.append(text)
                progress.step(len(judged) / wanted)
    progress.begin_next()
    return _Examined(judged, texts)


def _examine(
    place: Path, rows: Sequence[FrozenRow], opening: Opening, progress: "_Progress"
) -> _Examined:
    judged: list[Judged] = []
    texts: list[str] = []
    with opening(place) as opened:
        for row in rows:
            found, text = _ask(row, opened)
            judged.append(found)
            texts.append(text or "")
            progress.step(len(judged) / len(rows))
    progress.begin_next()
    return _Examined(judged, texts)


def _ask(row: FrozenRow, opened: Opened) -> tuple[Judged, str | None]:
    """The verdict, and what the model itself wrote if it was asked."""
    heard = len(opened.overheard.texts)
    found = judge(row, opened.responder.respond(row))
    new = opened.overheard.texts[heard:]
    return found, "".join(new) if new else None


def _write(folder: Path, name: str, figures: dict[str, Any]) -> Exported:
    partial = folder / f"{FILE}.{os.getpid()}"
    partial.write_text(json.dumps({"folder": name, "figures": figures}), encoding="utf-8")
    partial.replace(folder / FILE)
    return Exported(folder / name, figures)


class _Progress:
    """The share of a stage that consists of so many equal parts."""

    def __init__(self, writer: ProgressWriter, parts: int) -> None:
        self._writer = writer
        self._parts = parts
        self._done = 0

    def step(self, share: float) -> None:
        self._writer.share((self._done + min(1.0, share)) / self._parts)

    def begin_next(self) -> None:
        self._done += 1
        self.step(0)
