"""How fast csbot answers: the engine beside its peers, and the whole stack.

Run ``python -m benchmarks.serving --json`` on a machine that does nothing else; it takes about
fifteen minutes. ``--only`` measures a part. Peers are measured in the same run, interleaved
with ours; compare ratios, not runs.
"""

import argparse
import json
from pathlib import Path

from benchmarks import engines, stack
from benchmarks.machine import Figure, report

PACKAGES = ("onnxruntime", "onnxruntime-genai", "optimum-onnx", "transformers", "xllamacpp")
PARTS = ("throughput", "waiting", "stack")


def measure(var: Path, parts: list[str], repeats: int) -> list[Figure]:
    """The figures of ``parts``; ``var`` holds the prepared models."""
    figures: list[Figure] = []
    contenders = engines.contenders(var / "models", engines.gguf_file(var / "benchmarks"))
    if "stack" in parts:
        figures += stack.measure()
    if "throughput" in parts:
        figures += engines.throughput(contenders, repeats=repeats)
    if "waiting" in parts:
        del contenders["optimum"]
        figures += engines.waiting(contenders, repeats=repeats)
    return figures


def line(found: Figure) -> str:
    """One figure for people."""
    mark = {True: "ok  ", False: "MISS", None: "    "}[found["ok"]]
    beside = f" of {found['peer']}" if found["peer"] else ""
    target = f"   target {found['target']}" if found["target"] else ""
    spread = f" ({found['low']} to {found['high']})" if found["repeats"] > 1 else ""
    return f"{mark} {found['name']}: {found['value']} {found['unit']}{beside}{spread}{target}"


def main() -> None:
    """Measure, and print figures for people or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", choices=PARTS, help="measure this part alone")
    parser.add_argument("--repeats", type=int, default=3, help="interleaved repeats of each peer")
    parser.add_argument("--var", type=Path, default=Path("var"), help="where the models are")
    options = parser.parse_args()
    parts = [options.only] if options.only else list(PARTS)
    found = measure(options.var, parts, options.repeats)
    if options.json:
        print(json.dumps(report(found, PACKAGES), indent=1))
    else:
        print("\n".join(map(line, found)))


if __name__ == "__main__":
    main()
