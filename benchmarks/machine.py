"""On what a benchmark ran, and the shape in which benchmarks report.

``{"machine": {...}, "figures": [{"name", "value", "unit", "target", "peer", "ok"}, ...]}``
"""

import os
import platform
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypedDict


class Figure(TypedDict):
    """One measured quantity: the median of its repeats, and their range.

    ``target`` reads ``">= 1.3"`` or ``"<= 60"``; without one, ``ok`` is None. A ratio has
    the unit ``x`` and names the ``peer`` that it compares with, measured in the same repeat.
    """

    name: str
    value: float
    unit: str
    target: str | None
    peer: str | None
    ok: bool | None
    low: float
    high: float
    repeats: int


def figure(
    name: str,
    unit: str,
    values: Sequence[float],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    peer: str | None = None,
) -> Figure:
    """A figure from one value per repeat, held against one target at most."""
    value = statistics.median(values)
    target, ok = None, None
    if at_least is not None:
        target, ok = f">= {at_least}", value >= at_least
    elif at_most is not None:
        target, ok = f"<= {at_most}", value <= at_most
    return Figure(
        name=name,
        value=round(value, 4),
        unit=unit,
        target=target,
        peer=peer,
        ok=ok,
        low=round(min(values), 4),
        high=round(max(values), 4),
        repeats=len(values),
    )


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that ``percent`` of 100 lie below; interpolated."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def report(figures: Sequence[Figure], packages: Sequence[str] = ()) -> dict[str, Any]:
    """What a benchmark prints as JSON."""
    return {"machine": describe(packages), "figures": list(figures)}


def describe(packages: Sequence[str] = ()) -> dict[str, Any]:
    """The machine and the versions that figures depend on; no names of hosts or people."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
    }


class Load:
    """How many cores other processes used during a block; filled when it ends."""

    foreign_cores = 0.0


@contextmanager
def foreign_load() -> Iterator[Load]:
    """Measure what others did on the machine meanwhile: a busy one makes figures worthless."""
    load = Load()
    began, busy, own = time.monotonic(), _busy_seconds(), time.process_time()
    yield load
    elapsed = time.monotonic() - began
    used = _busy_seconds() - busy - (time.process_time() - own)
    load.foreign_cores = round(max(0.0, used / elapsed), 2)


def _busy_seconds() -> float:
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    idle, waiting = 3, 4
    busy = sum(int(n) for i, n in enumerate(fields[:8]) if i not in (idle, waiting))
    return busy / os.sysconf("SC_CLK_TCK")


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
