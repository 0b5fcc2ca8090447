"""What the processes of a run say of themselves: JSON lines in its folder, read as they grow.

Every line has ``kind``, ``fence`` and ``time``. A line may be cut off by a crash, and lines of
an earlier attempt stand before ours: both are passed over.
"""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = "progress.jsonl"
SECONDS_BETWEEN_POINTS = 0.9
"""The trainer reports about once a second."""
POINTS = 2000
"""A curve has about so many points, however long the run."""
NOTED = {
    "search_tuned": "search_tuned",
    "search_not_better": "search_not_better",
    "search_not_tuned": "search_not_tuned",
    "loaded": "loaded",
    "resumed": "resumed",
    "checkpoint": "checkpoint",
    "refused_checkpoint": "refused_checkpoint",
    "finished": "trained",
}
"""Kinds of lines that belong to the run's story, and what they are called there."""


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured at one step; ``seconds`` of training so far."""

    step: int
    seconds: float
    loss: float | None = None
    heldout_loss: float | None = None
    learning_rate: float | None = None
    tokens_per_second: float | None = None
    memory_bytes: int | None = None


@dataclass(slots=True)
class Reported:
    """What came since the last look."""

    points: list[Point] = field(default_factory=list)
    notes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    newest: dict[str, Any] = field(default_factory=dict)
    share: float | None = None
    seconds_left: float | None = None

    def __bool__(self) -> bool:
        return bool(self.points or self.notes or self.newest or self.share is not None)

    def changes(self, progress: dict[str, Any]) -> dict[str, Any]:
        """What it changes of a run whose latest report was ``progress``."""
        changes: dict[str, Any] = {}
        if self.newest:
            changes["progress"] = progress | self.newest
            for name in ("step", "total_steps"):
                if isinstance(self.newest.get(name), int):
                    changes[name] = self.newest[name]
        if self.share is not None:
            changes |= {"stage_share": self.share, "seconds_left": self.seconds_left}
        return changes


class ProgressReader:
    """Reads the lines that one attempt appends, from the moment it is made."""

    def __init__(self, folder: Path, fence: int) -> None:
        self._path = folder / FILE
        self._fence = fence
        self._place = self._path.stat().st_size if self._path.exists() else 0
        self._rest = b""
        self._interval = SECONDS_BETWEEN_POINTS
        self._kept_at = -math.inf
        self._seconds = 0.0
        self.refusal: tuple[str, str] | None = None
        """Code and text of a stage that says that it will never succeed."""

    def read(self) -> Reported:
        reported = Reported()
        for line in self._lines():
            self._take(line, reported)
        return reported

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._place)
                new = file.read()
        except FileNotFoundError:
            return
        self._place += len(new)
        *whole, self._rest = (self._rest + new).split(b"\n")
        for text in whole:
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict) and line.get("fence") == self._fence:
                yield {name: _storable(value) for name, value in line.items()}

    def _take(self, line: dict[str, Any], reported: Reported) -> None:
        kind = str(line.pop("kind", ""))
        line.pop("fence")
        moment = line.pop("time", None) or 0.0
        match kind:
            case "step":
                self._take_step(line, moment, reported)
            case "heldout":
                reported.points.append(
                    Point(line["step"], self._seconds, heldout_loss=line.get("loss"))
                )
            case "stage":
                reported.share = line.get("share") or 0.0
                reported.seconds_left = line.get("seconds_left")
            case "refused":
                self.refusal = (str(line.get("code", "refused")), str(line.get("text", "")))
            case _ if kind in NOTED:
                reported.notes.append((NOTED[kind], line))
                reported.newest |= {k: v for k, v in line.items() if k != "step"}

    def _take_step(self, line: dict[str, Any], moment: float, reported: Reported) -> None:
        step, total = line["step"], line.get("total_steps") or 0
        self._seconds = line.get("seconds") or self._seconds
        left = line.get("seconds_left")
        reported.newest |= line
        reported.share = step / total if total else 0.0
        reported.seconds_left = left
        if moment - self._kept_at < self._interval and step != total:
            return
        self._interval = max(SECONDS_BETWEEN_POINTS, (self._seconds + (left or 0)) / POINTS)
        self._kept_at = moment
        measured = ("loss", "learning_rate", "tokens_per_second", "memory_bytes")
        reported.points.append(
            Point(step, self._seconds, **{name: line.get(name) for name in measured})
        )


class ProgressWriter:
    """Appends lines for a stage that is no trainer: how far it is, or that it gives up."""

    def __init__(self, folder: Path, fence: int) -> None:
        self._path = folder / FILE
        self._fence = fence

    def share(self, share: float, seconds_left: float | None = None) -> None:
        """How much of the stage is done, 0 to 1."""
        self._append("stage", share=share, seconds_left=seconds_left)

    def note(self, kind: str, **facts: Any) -> None:
        """A line of the run's story, of a kind in :data:`NOTED`."""
        self._append(kind, **facts)

    def refuse(self, code: str, text: str) -> None:
        """The stage cannot succeed, however often it is tried."""
        self._append("refused", code=code, text=text)

    def _append(self, kind: str, **fields: Any) -> None:
        line = {"kind": kind, "fence": self._fence, "time": time.time(), **fields}
        with self._path.open("ab") as file:
            # One write: lines of two processes do not mix.
            file.write(json.dumps(line).encode() + b"\n")


def _storable(value: Any) -> Any:
    """A loss that is no number any more is nothing that JSON in a database can hold."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
