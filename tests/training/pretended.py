"""A child that trains nothing: it says what a real one says and ends as it is told.

Instead of ``succeed`` it may ``crash``, run out of memory (``oom``), say that it never will
(``refuse``), ``wait`` until it is told to end, or be ``stuck`` and not listen.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path


def main(folder: Path, fence: int, stage: str, trick: str) -> int:
    def say(kind: str, **fields: object) -> None:
        line = {"kind": kind, "fence": fence, "time": time.time(), **fields}
        with (folder / "progress.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def stop(*_: object) -> None:
        say("checkpoint", step=1)
        sys.exit(75)

    with (folder / "worked.txt").open("a") as file:
        file.write(f"{stage} {fence} {os.getpid()}\n")
    if trick == "stuck":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if trick == "wait":
        signal.signal(signal.SIGTERM, stop)
    if stage == "training":
        say("loaded", trainable=10, total_steps=4, train_tokens=100)
        say("step", step=1, total_steps=4, loss=3.0, learning_rate=0.1, seconds=1.0,
            tokens_per_second=50.0, memory_bytes=10**8, seconds_left=3.0)  # fmt: skip
        say("heldout", step=1, loss=2.5)
    while trick in ("wait", "stuck"):
        time.sleep(0.05)
    if trick == "crash":
        print("Traceback: ...\nValueError: no such thing", file=sys.stderr)
        return 1
    if trick == "refuse":
        say("refused", code="damaged", text="The dataset is damaged.")
        return 1
    if stage == "training" and trick == "succeed":
        say("checkpoint", step=4)
        say("step", step=4, total_steps=4, loss=float("nan"), seconds=4.0, seconds_left=0.0)
        say("finished", step=4, seconds=4.0, peak_memory_bytes=10**8, tokens_per_second=50.0)
    return 77 if trick == "oom" else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]))
