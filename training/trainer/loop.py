"""The training loop: batches in order, weights changed, progress told, stopped when asked."""

import hashlib
import json
import math
import resource
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from statistics import fmean

import torch
from accelerate import Accelerator

from chat.inference.tokenizer import ChatTokenizer
from training.crash_points import crash_point
from training.trainer import batching, checkpoints, examples, model
from training.trainer.checkpoints import State
from training.trainer.examples import Encoded
from training.trainer.job import Job, JobError
from training.trainer.model import collate
from training.trainer.progress import Progress

BETAS = (0.9, 0.99)
LOSSES = 10
"""Steps over which the reported loss is averaged."""


@dataclass(slots=True)
class _Course:
    """What changes while training."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    losses: tuple[float, ...] = ()
    restored: int | None = None
    """The step that it goes on from, if it does."""


class Training:
    """One attempt at one run. ``stop`` may be set from a signal handler at any time."""

    def __init__(self, job: Job, stop: threading.Event) -> None:
        """Load everything. Raises :class:`JobError` and ``ArtifactError``."""
        self._job = job
        self._stop = stop
        optimisation = job.recipe.optimisation
        self._accumulation = optimisation.accumulation * job.batch_divisor
        self._batch = max(1, optimisation.batch_size // job.batch_divisor)
        self._remembered = optimisation.remembered_tokens
        if job.threads:
            torch.set_num_threads(job.threads)
        self._accelerator = Accelerator(
            cpu=job.device == "cpu", mixed_precision=model.precision(job)
        )
        self._progress = Progress(job, is_main=self._accelerator.is_main_process)
        torch.manual_seed(job.seed)
        tokenizer = ChatTokenizer(job.base)
        self._data = self._encoded("train.jsonl", tokenizer)
        self._lengths = [len(each) for each in self._data]
        self._heldout = self._encoded("dev.jsonl", tokenizer)[: optimisation.heldout_examples]
        if not self._data:
            raise JobError("There are no examples to learn from.")
        self._steps = self._planned()
        learner = model.load(job)
        optimiser = torch.optim.AdamW(
            learner.learning(),
            lr=optimisation.learning_rate,
            betas=BETAS,
            weight_decay=optimisation.weight_decay,
        )
        self._learner = learner
        self._optimiser = optimiser
        self._wrapped, self._stepper = self._accelerator.prepare(learner, optimiser)
        self._saved = time.monotonic()

    def run(self) -> bool:
        """Train to the end and leave the tuned weights; False when stopped, after a checkpoint.

        Raises :class:`FencedOff`, ``ArtifactError`` and what torch raises without memory.
        """
        course = self._resumed()
        self._progress.report(
            "loaded",
            trainable=sum(each.numel() for each in self._learner.learning()),
            examples=len(self._data),
            total_steps=len(self._steps),
            train_tokens=sum(len(self._data[i]) for step in self._steps for b in step for i in b),
        )
        crash_point("trainer.loaded")
        self._wrapped.train()
        while course.step < len(self._steps):
            if self._stop.is_set():
                self._save(course)
                self._progress.close()
                return False
            self._take_step(course)
        self._finish(course)
        self._progress.close()
        return True

    def measure(self, steps: int) -> dict[str, float]:
        """Take a few steps and tell how fast they were and how much memory they took."""
        course = _Course()
        self._wrapped.train()
        # What takes most memory first: it has to fit.
        largest = max(self._steps, key=lambda step: self._remembered_size(step[0]))
        order = [largest, *self._steps[: steps - 1]]
        self._steps = order
        self._take_step(course)
        warm = _Course()
        self._steps = order[1:] or order
        while warm.step < len(self._steps):
            self._take_step(warm)
        return {
            "tokens_per_second": warm.tokens / warm.seconds,
            "peak_memory_bytes": float(_peak_memory(self._job)),
        }

    def _encoded(self, name: str, tokenizer: ChatTokenizer) -> list[Encoded]:
        optimisation = self._job.recipe.optimisation
        made = [
            examples.encode(each, tokenizer, deciding_weight=optimisation.deciding_weight)
            for each in examples.read(self._job.folder / name)
        ]
        return [each for each in made if len(each) <= optimisation.max_tokens]

    def _planned(self) -> list[list[list[int]]]:
        """Batches of each step: as many as one change of the weights is averaged over, in all
        processes together."""
        planned = batching.batches(
            self._lengths,
            self._batch,
            seed=self._job.seed,
            epochs=self._job.recipe.optimisation.epochs,
        )
        processes = self._accelerator.num_processes
        size = self._accumulation * processes
        steps = [planned[at : at + size] for at in range(0, len(planned), size)]
        # Every process has as many batches as the others, or they would wait for ever.
        while steps and (missing := -len(steps[-1]) % processes):
            steps[-1] += steps[-1][:missing]
        return steps

    def _resumed(self) -> _Course:
        def refused(name: str, why: str) -> None:
            self._progress.report("refused_checkpoint", name=name, why=why)

        state = checkpoints.restore(
            self._job, self._learner, self._optimiser, digest=self._digest(), refused=refused
        )
        if state is None:
            return _Course()
        self._progress.report("resumed", step=state.step)
        return _Course(state.step, state.tokens, state.seconds, restored=state.step)

    def _take_step(self, course: _Course) -> None:
        began = time.monotonic()
        rate = self._rate(course.step)
        for group in self._stepper.param_groups:
            group["lr"] = rate
        losses = []
        step = self._steps[course.step]
        mine = step[self._accelerator.process_index :: self._accelerator.num_processes]
        for place, batch in enumerate(mine):
            losses.append(self._learn(batch, len(mine), is_last=place == len(mine) - 1))
        self._accelerator.clip_grad_norm_(
            self._learner.learning(), self._job.recipe.optimisation.max_grad_norm
        )
        self._stepper.step()
        self._stepper.zero_grad()
        course.step += 1
        course.tokens += sum(self._size(batch) for batch in step)
        course.seconds += time.monotonic() - began
        course.losses = (*course.losses, fmean(losses))[-LOSSES:]
        self._tell(course, rate)

    def _learn(self, batch: Sequence[int], batches: int, *, is_last: bool) -> float:
        """Add the gradients of one of so many batches of a step; returns its loss."""
        whole = self._weight(batch)
        loss = 0.0
        parts = self._parts(batch)
        for place, part in enumerate(parts):
            share = self._weight(part) / whole
            if self._remembered:
                size = batching.padded(part, self._lengths)
                self._learner.remember(is_wanted=size <= self._remembered)
            # Processes exchange gradients once for each step.
            is_final = is_last and place == len(parts) - 1
            with nullcontext() if is_final else self._accelerator.no_sync(self._wrapped):
                found = self._wrapped(*self._collated(part)) * share
                self._accelerator.backward(found / batches)
            loss += float(found.detach())
        return loss

    def _tell(self, course: _Course, rate: float) -> None:
        optimisation = self._job.recipe.optimisation
        is_last = course.step == len(self._steps)
        per_second = course.tokens / course.seconds
        rest = sum(self._size(b) for step in self._steps[course.step :] for b in step)
        self._progress.step(
            is_last=is_last,
            step=course.step,
            total_steps=len(self._steps),
            loss=round(fmean(course.losses), 5),
            learning_rate=rate,
            tokens_per_second=round(per_second, 1),
            memory_bytes=_peak_memory(self._job),
            seconds=round(course.seconds, 1),
            seconds_left=round(rest / per_second, 1),
        )
        if self._heldout and (is_last or course.step % optimisation.heldout_every == 0):
            self._progress.report("heldout", step=course.step, loss=round(self._heldout_loss(), 5))
        if time.monotonic() - self._saved >= optimisation.checkpoint_seconds and not is_last:
            self._save(course)

    def _heldout_loss(self) -> float:
        """Mean loss of the held-out examples."""
        self._wrapped.eval()
        found = []
        lengths = [len(each) for each in self._heldout]
        for part in batching.parts(
            range(len(lengths)), lengths, self._job.recipe.optimisation.batch_tokens
        ):
            some = [self._heldout[place] for place in part]
            with torch.no_grad(), self._accelerator.autocast():
                loss = self._learner(*collate(some, self._accelerator.device))
            found += [float(loss)] * len(some)
        self._wrapped.train()
        return fmean(found)

    def _save(self, course: _Course) -> None:
        self._saved = time.monotonic()
        if self._accelerator.is_main_process:
            state = State(
                course.step, course.tokens, course.seconds, len(self._steps), self._digest()
            )
            checkpoints.save(self._job, state, self._learner, self._optimiser)
            self._progress.report("checkpoint", step=course.step)
        self._accelerator.wait_for_everyone()

    def _finish(self, course: _Course) -> None:
        # Merging takes a while: a crash in it costs no step. The next attempt gets no further by that.
        if course.step != course.restored:
            self._save(course)
        crash_point("trainer.trained")
        if self._accelerator.is_main_process:
            model.save_adapter(self._learner, self._job.adapter)
            model.save_whole(self._job)
            crash_point("trainer.weights_sealed")
            self._progress.report(
                "finished",
                step=course.step,
                seconds=round(course.seconds, 1),
                tokens_per_second=round(course.tokens / course.seconds, 1) if course.seconds else 0,
                peak_memory_bytes=_peak_memory(self._job),
            )
        self._accelerator.wait_for_everyone()

    def _collated(self, batch: Sequence[int]) -> tuple[torch.Tensor, ...]:
        return collate([self._data[place] for place in batch], self._accelerator.device)

    def _parts(self, batch: Sequence[int]) -> list[list[int]]:
        return batching.parts(batch, self._lengths, self._job.recipe.optimisation.batch_tokens)

    def _remembered_size(self, batch: Sequence[int]) -> int:
        """The most tokens of a batch of which everything computed is remembered at once."""
        sizes = [batching.padded(part, self._lengths) for part in self._parts(batch)]
        most = self._remembered or max(sizes)
        return max((size for size in sizes if size <= most), default=0)

    def _weight(self, batch: Sequence[int]) -> float:
        return sum(sum(self._data[place].weights) for place in batch)

    def _size(self, batch: Sequence[int]) -> int:
        return sum(len(self._data[place]) for place in batch)

    def _rate(self, step: int) -> float:
        """Linear up, then half a cosine down to a twentieth."""
        optimisation = self._job.recipe.optimisation
        warm = max(1, round(len(self._steps) * optimisation.warmup_share))
        if step < warm:
            return optimisation.learning_rate * (step + 1) / warm
        way = (step - warm) / max(1, len(self._steps) - warm)
        return optimisation.learning_rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * way)))

    def _digest(self) -> str:
        """Of everything that a checkpoint has to fit."""
        recipe = self._job.recipe.as_dict()
        # It only watches.
        del recipe["tensorboard"]
        facts = [recipe, self._job.seed, self._job.base.name, self._steps]
        hashed = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        for each in self._data:
            hashed.update(repr(each.ids).encode())
        return hashed.hexdigest()


def _peak_memory(job: Job) -> int:
    """Bytes: of the process on a CPU, of the device on a GPU."""
    if job.device != "cpu":
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
