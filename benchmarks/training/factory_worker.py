"""Some steps of LLaMA-Factory, timed; runs in an environment of its own, without csbot.

Reads its settings from a JSON file and prints ``{"steps": ..., "seconds": ...}`` of all steps but
the first.
"""
# mypy: ignore-errors

import json
import sys
import time
from pathlib import Path

from llamafactory.train.tuner import run_exp
from transformers import TrainerCallback  # noqa: TID253 - the only thing that this process is for

ends = []


class Clock(TrainerCallback):
    def on_step_end(self, *_, **__):
        ends.append(time.monotonic())


if __name__ == "__main__":
    settings = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    # What the library prints would be taken for the numbers.
    out, sys.stdout = sys.stdout, sys.stderr
    run_exp(settings, callbacks=[Clock()])
    out.write(json.dumps({"steps": len(ends) - 1, "seconds": ends[-1] - ends[0]}) + "\n")
