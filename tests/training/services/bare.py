"""A run that trained a tiny model, and a responder without any knowledge around it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chat.inference.engine import GenerationParams
from chat.inference.opening import EngineSpec, open_engine
from tests.factories import TrainingRunFactory, frozen_version
from tests.training.rows import pair
from training import places
from training.evaluation.overhearing import Overheard
from training.evaluation.responding import Response
from training.frozen import FrozenRow
from training.models import TrainingRun
from training.services import runs
from training.services.exporting import WEIGHTS
from training.services.responders import Opened
from training.trainer import recipe

ROWS = [
    *(pair(f"dev {n}", id=f"d{n}", split="dev") for n in range(4)),
    *(pair(f"test {n}", id=f"t{n}", split="test", group=f"g{n % 2}") for n in range(3)),
    pair("Do you sell honey?", id="u", split="test", hands_over=True),
]


class Bare:
    """Asks the model itself; hands over what mentions honey."""

    def __init__(self, engine: Overheard) -> None:
        self._engine = engine

    def respond(self, row: FrozenRow) -> Response:
        if "honey" in row.question:
            return Response("Shall I get a person?", True, "notice", None, 0.0, 0)
        began = time.perf_counter()
        params = GenerationParams(max_new_tokens=6)
        text = "".join(self._engine.stream(row.id, row.messages[:-1], params))
        return Response(text, False, "model", None, time.perf_counter() - began, 6)


@contextmanager
def opening(artifact: Path) -> Iterator[Opened]:
    engine = Overheard(open_engine(EngineSpec(artifact=artifact, threads=1, context_length=128)))
    try:
        yield Opened(Bare(engine), engine)
    finally:
        engine.close()


def trained_run(weights: Path, *precisions: str) -> tuple[TrainingRun, Path, int]:
    """A claimed run whose training is done: the run, its folder and its fence."""
    overrides = {"export.precisions": list(precisions)} if precisions else {}
    version = frozen_version(ROWS)
    run = TrainingRunFactory(
        dataset_version=version, recipe=recipe.load("tiny_test", overrides).as_dict()
    )
    claim = runs.claim(device="cpu", owner="trainer", only=run)
    assert claim is not None
    folder = places.run_folder(run)
    folder.mkdir(parents=True)
    (folder / WEIGHTS).symlink_to(weights)
    return claim.run, folder, claim.fence
