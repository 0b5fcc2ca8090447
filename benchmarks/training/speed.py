"""Real tokens a second and memory of the trainer, beside what others do with the same examples.

Examples of about 125 tokens, four in a batch. Tokens of padding count for nothing. Ours is
the default recipe as the trainer takes its steps: its method, precision, batches and loss. The
naive recipe is that of most tutorials: see :mod:`benchmarks.training.naive`. LLaMA-Factory's
LoRA is measured where a Python that has it is named: see
:mod:`benchmarks.training.factory`. Each is a process of its own, after the others, and its
first step is not counted: loading and the first allocation are no speed. Quality is not
compared: a few steps teach nothing.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import Figure, figure
from benchmarks.training import factory, materials
from benchmarks.training.staged import TrainingOptions
from chat.inference.tokenizer import ChatTokenizer
from tests.services import ROOT
from training import places
from training.processes import environment
from training.trainer import examples, job, model

BATCH = 4
OUR_STEPS = 16
THEIR_STEPS = 5
"""A step of the naive recipe takes twelve seconds, one of ours three."""
COUNT = 160
NAIVE, FACTORY = "naive recipe", "LLaMA-Factory"
TARGETS = {NAIVE: 4.0, FACTORY: 1.4}
MEMORY_GB = 3.0


@dataclass(frozen=True, slots=True)
class Taken:
    """How a few steps went; memory is the most that the process ever had."""

    tokens_per_second: float
    memory_bytes: int


def measure(options: TrainingOptions) -> list[Figure]:
    """Ours, and its ratio to each other recipe."""
    with tempfile.TemporaryDirectory() as name:
        taken = _all(options, Path(name))
    figures = []
    for name, each in taken.items():
        figures.append(figure(f"speed, {name}", "tokens/s", [each.tokens_per_second]))
        most = MEMORY_GB if name == "csbot" else None
        figures.append(figure(f"memory, {name}", "GB", [each.memory_bytes / 1e9], at_most=most))
    ours = taken.pop("csbot").tokens_per_second
    for name, each in taken.items():
        ratio = ours / each.tokens_per_second
        figures.append(figure("speed", "x", [ratio], at_least=TARGETS[name], peer=name))
    return figures


def _all(options: TrainingOptions, folder: Path) -> dict[str, Taken]:
    chosen = materials.chosen_recipe(options, optimisation__batch_size=BATCH)
    base = materials.base_of(options, chosen)
    tokenizer = ChatTokenizer(base)
    learned = materials.pairs(tokenizer, COUNT)
    materials.write_run(folder, chosen, base, learned)
    ours, theirs = (3, 3) if options.is_quick else (OUR_STEPS, THEIR_STEPS)

    trainer = [sys.executable, "-m", "training.trainer", str(folder), "--measure", str(ours + 1)]
    naive = [
        sys.executable,
        "-m",
        "benchmarks.training.naive",
        str(folder),
        str(BATCH),
        str(theirs),
    ]
    taken = {"csbot": _taken(trainer), NAIVE: _taken(naive)}
    if options.llamafactory is not None:
        bf16 = model.precision(job.read(folder)) == "bf16"
        steps = factory.prepare(folder / "llamafactory", base, learned, BATCH, ours, bf16=bf16)
        lengths = [len(examples.encode(each, tokenizer)) for each in learned]
        said, memory = _run([str(options.llamafactory), *steps])
        tokens = BATCH * sum(lengths) / len(lengths)
        taken[FACTORY] = Taken(tokens * said["steps"] / said["seconds"], memory)
    return taken


def _taken(command: Sequence[str]) -> Taken:
    said, memory = _run(command)
    return Taken(said["tokens_per_second"], memory)


def _run(command: Sequence[str]) -> tuple[Mapping[str, float], int]:
    """The numbers in the last line that a process printed, and its peak memory."""
    print(f"# {' '.join(command[:4])}", file=sys.stderr, flush=True)
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(places.threads()), stdout=output
        )
        memory = 0
        while process.poll() is None:
            memory = max(memory, _most_memory(process.pid))
            time.sleep(0.1)
        output.seek(0)
        said = output.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return dict(json.loads(said.strip().splitlines()[-1])), memory


def _most_memory(pid: int) -> int:
    """The most that a process ever had. What the system says when it has ended would count ours,
    from which it was forked."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 if found else 0
