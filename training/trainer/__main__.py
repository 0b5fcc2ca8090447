"""The trainer's process: ``python -m training.trainer RUN_FOLDER``.

``--measure STEPS`` takes a few steps instead and prints how fast they were. Ends with its
parent, and on SIGTERM after a checkpoint; see :mod:`training.trainer.job` for the exit codes.
"""

import argparse
import ctypes
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from training.trainer import job as jobs
from training.trainer.job import FencedOff, JobError

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG in linux/prctl.h


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.trainer", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--measure", type=int, default=0, metavar="STEPS")
    options = parser.parse_args(arguments)
    _end_with_parent()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Nothing that a training needs is looked for on a network.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        return _measure(options) if options.measure else _train(options.folder, stop)
    except FencedOff as error:
        print(error, file=sys.stderr)
        return jobs.FENCED_OFF
    except JobError as error:
        print(error, file=sys.stderr)
        return 1
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        print(f"Out of memory: {error}", file=sys.stderr)
        return jobs.OUT_OF_MEMORY


def _train(folder: Path, stop: threading.Event) -> int:
    job = jobs.read(folder)
    if int(os.environ.get("RANK", "0")):
        # One of several processes of the same attempt: the first one holds the folder.
        return _run(job, stop)
    with jobs.only_trainer(folder):
        return _run(job, stop)


def _run(job: jobs.Job, stop: threading.Event) -> int:
    from training.trainer.loop import Training

    return jobs.FINISHED if Training(job, stop).run() else jobs.STOPPED


def _measure(options: argparse.Namespace) -> int:
    from training.trainer.loop import Training

    began = time.monotonic()
    training = Training(jobs.read(options.folder), threading.Event())
    loaded = time.monotonic() - began
    print(json.dumps({"load_seconds": loaded, **training.measure(options.measure)}))
    return 0


def _end_with_parent() -> None:
    """Killed with the process that watches over this one: nobody else would stop it."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(jobs.STOPPED)


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    return (
        isinstance(error, MemoryError | torch.OutOfMemoryError)
        # What torch raises on a CPU.
        or "can't allocate memory" in str(error)
        or "not enough memory" in str(error)
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
