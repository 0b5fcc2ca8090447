"""How long a run will take and what it needs, from a few measured steps. Pure arithmetic."""

from collections.abc import Iterator
from dataclasses import dataclass

EXPORT_SECONDS_PER_GIGABYTE = 60.0
"""Of fp32 weights: merging, building and comparing."""
ANSWER_SECONDS = 1.0
"""One held-out question, answered by the exported model."""
SEARCH_SECONDS = 0.035
"""Of tuning the search, one question in one pass: on two cores, until it was done here once."""
MEMORY_MARGIN = 1.1
"""Longer examples than the measured ones may come."""
DISK_SPARE_BYTES = 500 * 1024**2


@dataclass(frozen=True, slots=True)
class Work:
    """What a recipe makes of a dataset: ``tokens`` are those of one pass."""

    examples: int
    tokens: int
    passes: float
    steps: int
    held_out: int
    weights_bytes: int
    """The base model's weights as fp32."""
    checkpoint_bytes: int
    """All checkpoints that are kept at once."""
    searched: float = 0.0
    """Questions that the search learns from, times the passes over them."""
    search_seconds: float = SEARCH_SECONDS
    """One question in one pass."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a few real steps took on this device."""

    tokens_per_second: float
    peak_memory_bytes: int
    load_seconds: float


@dataclass(frozen=True, slots=True)
class Machine:
    """What is free here."""

    memory_bytes: int
    disk_bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A prediction. Without a calibration, ``minutes`` and ``memory_bytes`` are unknown."""

    examples: int
    tokens: int
    steps: int
    search_minutes: float
    training_minutes: float | None
    minutes: float | None
    memory_bytes: int | None
    free_memory_bytes: int
    disk_bytes: int
    free_disk_bytes: int
    refusals: tuple[str, ...] = ()
    """Why it cannot work: ``no_examples``, ``memory``, ``disk``."""


def plan(work: Work, calibration: Calibration | None, machine: Machine) -> Plan:
    """Predict a run, and refuse what cannot work."""
    disk = disk_bytes(work)
    search = work.searched * work.search_seconds
    training = memory = None
    if calibration is not None:
        training = training_seconds(work, calibration)
        memory = round(calibration.peak_memory_bytes * MEMORY_MARGIN)
    return Plan(
        examples=work.examples,
        tokens=work.tokens,
        steps=work.steps,
        search_minutes=search / 60,
        training_minutes=None if training is None else training / 60,
        minutes=None if training is None else (search + training + _other_seconds(work)) / 60,
        memory_bytes=memory,
        free_memory_bytes=machine.memory_bytes,
        disk_bytes=disk,
        free_disk_bytes=machine.disk_bytes,
        refusals=tuple(_refusals(work, memory, disk, machine)),
    )


def training_seconds(work: Work, calibration: Calibration) -> float:
    return calibration.load_seconds + work.tokens * work.passes / calibration.tokens_per_second


def disk_bytes(work: Work) -> int:
    """Merged weights in the run and among the models, checkpoints, two exports at once."""
    return 4 * work.weights_bytes + work.checkpoint_bytes + DISK_SPARE_BYTES


def _other_seconds(work: Work) -> float:
    exporting = work.weights_bytes / 1024**3 * EXPORT_SECONDS_PER_GIGABYTE
    return exporting + work.held_out * ANSWER_SECONDS


def _refusals(work: Work, memory: int | None, disk: int, machine: Machine) -> Iterator[str]:
    if not work.examples:
        yield "no_examples"
    if memory is not None and memory > machine.memory_bytes:
        yield "memory"
    if disk > machine.disk_bytes:
        yield "disk"
