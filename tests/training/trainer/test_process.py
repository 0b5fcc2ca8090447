"""The trainer as a process: what it answers to signals, to a lack of memory and to a rival."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from chat.inference import artifacts
from training.trainer import job as jobs
from training.trainer import progress
from training.trainer.job import Job

MakeJob = Callable[..., Job]
COMMAND = [sys.executable, "-m", "training.trainer"]

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]


def reports(job: Job, kind: str) -> list[dict[str, Any]]:
    return [line for line, _ in progress.read(job.folder) if line["kind"] == kind]


def wait_for(job: Job, kind: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 90
    while not reports(job, kind):
        assert process.poll() is None, "the trainer ended"
        assert time.monotonic() < deadline, f"no {kind} came"
        time.sleep(0.01)


def test_trainer_that_is_asked_to_stop_writes_a_checkpoint_and_goes_on_later(
    make_job: MakeJob,
) -> None:
    job = make_job(optimisation__epochs=40.0, optimisation__checkpoint_seconds=3600.0)
    process = subprocess.Popen([*COMMAND, str(job.folder)])
    wait_for(job, "step", process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == jobs.STOPPED
    [stopped] = reports(job, "checkpoint")
    assert subprocess.run([*COMMAND, str(job.folder)], check=False).returncode == jobs.FINISHED
    assert reports(job, "resumed")[0]["step"] == stopped["step"]
    artifacts.verify(job.weights)


def test_trainer_dies_with_the_process_that_watches_it(make_job: MakeJob) -> None:
    job = make_job(optimisation__epochs=4000.0, optimisation__checkpoint_seconds=3600.0)
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'training.trainer', sys.argv[1]])\n"
        "print(child.pid, flush=True)\n"
        "child.wait()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(job.folder)], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        trainer = int(parent.stdout.readline())
        wait_for(job, "step", parent)
        parent.kill()
    deadline = time.monotonic() + 10
    while is_running(trainer):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_second_trainer_leaves_the_folder_alone(make_job: MakeJob) -> None:
    job = make_job()
    with (job.folder / "lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = subprocess.run([*COMMAND, str(job.folder)], check=False, capture_output=True)
    assert done.returncode == jobs.FENCED_OFF
    assert not reports(job, "loaded")


def test_lack_of_memory_has_an_exit_code_of_its_own(make_job: MakeJob) -> None:
    job = make_job()
    limited = (
        "import resource, runpy, sys\n"
        "import torch, transformers, peft, accelerate\n"
        "from training.trainer.loop import Training\n"
        "def take(self, course):\n"
        "    resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))\n"
        "    torch.empty(2**34, dtype=torch.float32)\n"
        "Training._take_step = take\n"
        "sys.argv = ['trainer', sys.argv[1]]\n"
        "runpy.run_module('training.trainer', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, str(job.folder)], check=False, capture_output=True
    )
    assert done.returncode == jobs.OUT_OF_MEMORY, done.stderr[-500:]


def test_unusable_job_is_said_in_one_line(make_job: MakeJob) -> None:
    job = make_job()
    (job.folder / "job.json").write_text("{}")
    done = subprocess.run([*COMMAND, str(job.folder)], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("job.json cannot be used")
    assert "Traceback" not in done.stderr


def test_measuring_takes_steps_and_leaves_no_weights(make_job: MakeJob) -> None:
    job = make_job()
    done = subprocess.run(
        [*COMMAND, "--measure", "3", str(job.folder)], check=True, capture_output=True, text=True
    )
    measured = json.loads(done.stdout.splitlines()[-1])
    assert measured["tokens_per_second"] > 0
    assert measured["peak_memory_bytes"] > 0
    assert not job.weights.exists()


def test_two_processes_train_one_model_together(make_job: MakeJob) -> None:
    """As on several GPUs, here over gloo: each takes half of every step's batches."""
    job = make_job(optimisation__epochs=2.0)
    # What `accelerate launch` calls on GPUs; on a CPU it starts one process only.
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    done = subprocess.run(
        [*launch, "--standalone", "-m", "training.trainer", str(job.folder)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    # Twenty batches of four, two batches a step.
    assert reports(job, "loaded")[0]["total_steps"] == 10
    assert len(reports(job, "finished")) == 1
    artifacts.verify(job.weights)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
