"""The loop on a tiny model: it learns, repeats itself, goes on where it stopped and lets nobody
else's work in."""

import json
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from chat.inference import artifacts
from chat.inference.artifacts import ArtifactError
from chat.inference.engine import GenerationParams
from chat.inference.opening import EngineSpec, open_engine
from training import asking
from training.asking import Asked
from training.trainer import examples, progress
from training.trainer.job import FencedOff, Job, JobError, read
from training.trainer.loop import Training

MakeJob = Callable[..., Job]

# The libraries' own deprecations are not ours to fix.
pytestmark = pytest.mark.filterwarnings("ignore")


class StopAfter(threading.Event):
    """Asks to stop once the loop has looked ``times`` times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._left = times

    def is_set(self) -> bool:
        self._left -= 1
        return self._left < 0


def train(job: Job, stop: threading.Event | None = None) -> bool:
    return Training(job, stop or threading.Event()).run()


def reports(job: Job, kind: str) -> list[dict[str, Any]]:
    return [line for line, _ in progress.read(job.folder) if line["kind"] == kind]


def weights(job: Job) -> dict[str, list[float]]:
    tensors = load_file(job.weights / "model.safetensors")
    return {name: each.flatten().tolist() for name, each in tensors.items()}


@pytest.mark.parametrize("method", ["lora", "full"])
def test_training_lowers_the_loss_on_held_out_examples(make_job: MakeJob, method: str) -> None:
    job = make_job(method=method, optimisation__epochs=6.0)
    assert train(job)
    losses = [line["loss"] for line in reports(job, "heldout")]
    assert losses[-1] < 0.7 * losses[0]


def test_tuned_weights_are_sealed_and_answer_as_taught(make_job: MakeJob) -> None:
    job = make_job(optimisation__epochs=12.0)
    train(job)
    artifacts.verify(job.weights)
    engine = open_engine(EngineSpec(artifact=job.weights, threads=1, context_length=256))
    try:
        example = next(iter(examples.read(job.folder / "train.jsonl")))
        answer = "".join(engine.stream("one", example.messages, GenerationParams(max_new_tokens=8)))
    finally:
        engine.close()
    # The tiny model's head cannot learn to end; see tests/chat/inference/tiny.py.
    assert answer.startswith(("yes", "no"))


@pytest.mark.parametrize("options", [{"lora__dora": True}, {"lora__rslora": True}])
def test_adapters_of_other_kinds_can_be_merged(make_job: MakeJob, options: dict[str, bool]) -> None:
    job = make_job(**options)
    assert train(job)
    artifacts.verify(job.weights)


def test_same_seed_gives_the_same_weights_and_another_one_others(make_job: MakeJob) -> None:
    first, second, other = make_job("a"), make_job("b"), make_job("c", seed=2)
    for job in (first, second, other):
        train(job)
    assert weights(first) == weights(second)
    assert weights(first) != weights(other)


def test_stopped_training_goes_on_as_if_it_had_not_stopped(make_job: MakeJob) -> None:
    whole, broken = make_job("whole"), make_job("broken")
    train(whole)
    assert not train(broken, StopAfter(3))
    assert not broken.weights.exists()
    assert train(broken)
    assert reports(broken, "resumed")[0]["step"] == 3
    assert weights(broken) == weights(whole)


def test_only_the_newest_checkpoints_are_kept(make_job: MakeJob) -> None:
    job = make_job()
    train(job)
    assert len(list(job.checkpoints.iterdir())) == 2


def test_checkpoints_with_smaller_batches_outlive_those_that_they_replace(
    make_job: MakeJob,
) -> None:
    job = make_job()
    assert not train(job, StopAfter(5))
    told = json.loads((job.folder / "job.json").read_text())
    (job.folder / "job.json").write_text(json.dumps({**told, "batch_divisor": 2}))
    halved = read(job.folder)
    assert not train(halved, StopAfter(2))
    assert [line["name"] for line in reports(halved, "refused_checkpoint")] == ["step-5", "step-4"]
    assert train(halved)
    assert [line["step"] for line in reports(halved, "resumed")] == [2]


def test_attempt_that_only_has_to_merge_reports_no_checkpoint(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(optimisation__epochs=0.5)

    def is_full(job: Job) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("training.trainer.model.save_whole", is_full)
        for _ in range(2):
            with pytest.raises(OSError, match="No space"):
                train(job)
    assert train(job)
    steps = [line["step"] for line in reports(job, "checkpoint")]
    assert steps == sorted(set(steps))
    assert [line["step"] for line in reports(job, "resumed")] == [steps[-1]] * 2


@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 0.99])
@pytest.mark.parametrize(
    "name", ["learned.safetensors", "optimiser.safetensors", "state.json", "manifest.json"]
)
@pytest.mark.parametrize("harm", ["cut", "flip"])
def test_damaged_checkpoint_is_refused_and_the_one_before_it_used(
    make_job: MakeJob, name: str, place: float, harm: str
) -> None:
    job = make_job(optimisation__epochs=0.5)
    assert not train(job, StopAfter(3))
    damaged = job.checkpoints / "step-3" / name
    content = bytearray(damaged.read_bytes())
    at = int(place * len(content))
    if harm == "cut":
        content = content[:at]
    else:
        content[at] ^= 0x10
    damaged.write_bytes(bytes(content))
    assert not train(job, StopAfter(0))
    assert reports(job, "refused_checkpoint")[0]["name"] == "step-3"
    assert reports(job, "resumed")[-1]["step"] == 2


def test_checkpoint_of_other_examples_is_not_used(make_job: MakeJob) -> None:
    job = make_job()
    assert not train(job, StopAfter(2))
    lines = (job.folder / "train.jsonl").read_text("utf-8").splitlines(keepends=True)
    (job.folder / "train.jsonl").write_text("".join(lines[:-1]), "utf-8")
    assert not train(job, StopAfter(0))
    assert not reports(job, "resumed")


def test_attempt_that_was_superseded_writes_no_checkpoint_and_no_weights(make_job: MakeJob) -> None:
    job = make_job(fence=1)
    told = json.loads((job.folder / "job.json").read_text())
    (job.folder / "job.json").write_text(json.dumps({**told, "fence": 2}))
    with pytest.raises(FencedOff):
        train(job)
    assert not job.weights.exists()
    assert not any(job.checkpoints.glob("step-*"))


def test_smaller_batches_change_the_weights_as_often(make_job: MakeJob) -> None:
    whole, halved = make_job("whole"), make_job("halved")
    told = json.loads((halved.folder / "job.json").read_text())
    (halved.folder / "job.json").write_text(json.dumps({**told, "batch_divisor": 2}))
    halved = read(halved.folder)
    train(whole)
    train(halved)
    assert reports(whole, "loaded")[0]["total_steps"] == reports(halved, "loaded")[0]["total_steps"]


def test_batch_in_parts_learns_the_same(make_job: MakeJob) -> None:
    whole = make_job("whole", optimisation__batch_tokens=0)
    parted = make_job("parted", optimisation__batch_tokens=40)
    train(whole)
    train(parted)
    for name, values in weights(whole).items():
        assert values == pytest.approx(weights(parted)[name], abs=1e-4), name


@pytest.mark.parametrize("method", ["lora", "full"])
def test_what_is_computed_twice_learns_the_same(
    make_job: MakeJob, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the long ones, and they are: memory is what it is for."""
    computed: list[int] = []
    checkpoint = torch.utils.checkpoint.checkpoint

    def counted(function: Any, hidden: Any, *args: Any, **kwargs: Any) -> Any:
        computed.append(hidden.shape[0] * hidden.shape[1])
        return checkpoint(function, hidden, *args, **kwargs)

    monkeypatch.setattr("transformers.modeling_utils.checkpoint", counted)
    whole = make_job("whole", method=method)
    train(whole)
    assert not computed
    twice = make_job("twice", method=method, optimisation__remembered_tokens=60)
    train(twice)
    assert computed
    assert min(computed) > 60
    assert max(computed) > min(computed)
    for name, values in weights(whole).items():
        assert weights(twice)[name] == pytest.approx(values, abs=1e-5)


def test_too_long_examples_are_left_out(make_job: MakeJob) -> None:
    job = make_job(optimisation__max_tokens=25)
    train(job)
    assert 0 < reports(job, "loaded")[0]["examples"] < 40


def test_nothing_to_learn_from_is_said(make_job: MakeJob) -> None:
    job = make_job(optimisation__max_tokens=3)
    with pytest.raises(JobError, match="no examples"):
        train(job)


def test_damaged_base_is_not_tuned(make_job: MakeJob, tmp_path: Path) -> None:

    job = make_job()
    copy = tmp_path / "copy"
    shutil.copytree(job.base, copy)
    (copy / "model.safetensors").write_bytes(b"?")
    told = json.loads((job.folder / "job.json").read_text())
    (job.folder / "job.json").write_text(json.dumps({**told, "base": str(copy)}))
    with pytest.raises(ArtifactError, match=r"model\.safetensors"):
        train(read(job.folder))


def test_adapter_for_layers_that_are_not_there_is_refused(make_job: MakeJob) -> None:
    with pytest.raises(JobError, match="adapter"):
        train(make_job(lora__targets=["nowhere"]))


def test_half_a_line_of_a_killed_trainer_is_passed_over(make_job: MakeJob) -> None:
    job = make_job()
    with (job.folder / progress.NAME).open("w") as file:
        file.write('{"kind": "step", "st\n{"kind": "step", "step": 2}\n{"kind": "st')
    assert [line for line, _ in progress.read(job.folder)] == [{"kind": "step", "step": 2}]


class Board:
    """Stands for ``torch.utils.tensorboard.SummaryWriter``."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.scalars: list[tuple[str, float, int]] = []
        self.is_closed = False

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.scalars.append((name, value, step))

    def close(self) -> None:
        self.is_closed = True


def test_tensorboard_is_told_when_the_recipe_wants_it(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    boards: list[Board] = []

    def opened(folder: str) -> Board:
        boards.append(Board(folder))
        return boards[-1]

    module = SimpleNamespace(SummaryWriter=opened)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    train(make_job("plain"))
    assert not boards
    job = make_job(tensorboard=True)
    assert not train(job, StopAfter(2))
    assert train(job)
    assert [Path(each.folder) for each in boards] == [job.folder / "tensorboard"] * 2
    assert all(each.is_closed for each in boards)
    last = reports(job, "step")[-1]
    assert ("step/loss", last["loss"], last["step"]) in boards[1].scalars


def test_without_tensorboard_a_run_that_wants_it_does_not_begin(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    job = make_job(tensorboard=True)
    with pytest.raises(JobError, match="The package tensorboard is not installed"):
        train(job)
    assert not (job.folder / progress.NAME).exists()


def test_lists_of_questions_are_learned_and_the_model_says_so(make_job: MakeJob) -> None:
    job = make_job(data__style="questions", optimisation__epochs=6.0)
    known = [
        Asked(f"Answer {n}.", "en", tuple(f"{word} {n}" for word in ("is it", "where", "when")))
        for n in range(12)
    ]
    lists = asking.lists(known, most=0, seed=1)
    examples.write(job.folder / "train.jsonl", lists)
    examples.write(job.folder / "dev.jsonl", lists[:6])
    assert train(job)
    losses = [line["loss"] for line in reports(job, "heldout")]
    assert losses[-1] < 0.7 * losses[0]
    assert artifacts.read_manifest(job.weights).facts.style == "questions"
