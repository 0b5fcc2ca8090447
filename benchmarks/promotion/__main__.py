"""Promotion, measured: ``python -m benchmarks.promotion --json``, on a machine that does nothing else.

Parts: ``swaps`` (other models go live under load, and come back), ``gate`` (damaged and better
candidates before their gates), ``kills`` (runners and promoters that die at random moments) and
``experiments`` (simulated customers: winners by chance, effects found, harm stopped).
Web server, runners and promoters are real processes over SQLite and the embedded Valkey; the engine
says which version it is, word by word, so that an answer of two versions shows. ``--quick`` does a
tenth of the work.
"""

import argparse
import importlib
import json
import sys

from benchmarks.machine import Figure, foreign_load, report
from benchmarks.place import Options
from benchmarks.promotion.staged import staged
from benchmarks.serving import line

PARTS = ("swaps", "gate", "kills", "experiments")
PACKAGES = ("django", "channels", "scipy", "uvicorn")


def measure(parts: list[str], options: Options) -> list[Figure]:
    """The figures of ``parts``; each part is a module with a function ``measure``."""
    figures: list[Figure] = []
    with staged() as csbot:
        for part in parts:
            with foreign_load() as load:
                module = importlib.import_module(f"benchmarks.promotion.{part}")
                found = module.measure(csbot, options)
            print(f"# {part}: all processes used {load.foreign_cores} cores", file=sys.stderr)
            figures += found
    return figures


def main() -> None:
    """Measure, and print figures for people or one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.promotion", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    chosen = parser.parse_args()
    figures = measure(list(chosen.only or PARTS), Options(is_quick=chosen.quick))
    if chosen.json:
        print(json.dumps(report(figures, PACKAGES), indent=1))
    else:
        print("\n".join(map(line, figures)))


if __name__ == "__main__":
    main()
