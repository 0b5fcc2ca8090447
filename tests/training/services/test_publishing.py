"""From trained weights to a registered model: export, evaluation, publication."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings

from chat import libraries
from chat.inference import artifacts
from chat.inference.artifacts import ArtifactError
from chat.inference.engine import EngineError
from chat.inference.opening import EngineSpec, open_engine
from chat.knowledge.confidence import DEFAULT_WEIGHTS, FEATURES, Weights
from chat.knowledge.e5_embedder import E5Embedder
from chat.services import deploying
from chat.services.deploying import Model
from tests.factories import EvaluationFactory, ModelVersionFactory, frozen_version
from tests.training.encoder import tiny
from tests.training.evaluation.responses import Scripted, response
from tests.training.services import bare
from training import places
from training.evaluation.responding import Response
from training.failures import LostLease, RunFailure
from training.frozen import FrozenRow
from training.models import Evaluation, ModelVersion, TrainingRun
from training.services import (
    aliases,
    evaluating,
    exporting,
    registering,
    runs,
    signatures,
    suites,
)
from training.services.evaluating import Scope, Subject
from training.services.responders import Opened
from training.services.runs import Claim

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore"),  # Of the model libraries.
    pytest.mark.timeout(180),  # They load for a while where others compute, too.
]


@pytest.fixture(autouse=True)
def _folders(settings: object, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path  # type: ignore[attr-defined]
    settings.MODELS_DIR = tmp_path / "models"  # type: ignore[attr-defined]


def export(trained: tuple[TrainingRun, Path, int]) -> exporting.Exported:
    return exporting.export_run(*trained, opening=bare.opening)


def damage(folder: Path) -> None:
    place = next(each for each in folder.iterdir() if each.name.startswith("model.onnx"))
    data = bytearray(place.read_bytes())
    data[len(data) // 2] ^= 1
    # Another file of the same name: the original may be linked from elsewhere.
    place.unlink()
    place.write_bytes(data)


def test_fp32_is_at_parity_with_torch(tiny_weights: Path) -> None:
    run, folder, fence = bare.trained_run(tiny_weights)
    found = export((run, folder, fence))
    assert artifacts.verify(found.folder).facts.precision == "fp32"
    (tried,) = found.figures["tried"]
    assert tried["parity"] == {
        "prompts": 4, "identical": 1.0, "first_divergence": None, "same_decisions": None,
    }  # fmt: skip
    assert tried["size"] > 0
    assert found.figures["chosen"] == "fp32"
    lines = (folder / "progress.jsonl").read_text().splitlines()
    assert '"share": 1.0' in lines[-1]


def test_the_first_precision_that_is_right_enough_is_taken(tiny_weights: Path) -> None:
    found = export(bare.trained_run(tiny_weights, "int4", "fp32"))
    # The tiny model is never right, and no export is worse than that.
    assert found.folder.name == "int4"
    assert [each["precision"] for each in found.figures["tried"]] == ["int4"]
    assert found.figures["tried"][0]["parity"]["identical"] < 1


def test_an_export_is_made_once(tiny_weights: Path) -> None:
    trained = bare.trained_run(tiny_weights)
    first = export(trained)
    made = (first.folder / artifacts.MANIFEST).stat().st_mtime_ns
    assert export(trained) == first
    assert (first.folder / artifacts.MANIFEST).stat().st_mtime_ns == made


def test_a_damaged_export_is_made_again(tiny_weights: Path) -> None:
    trained = bare.trained_run(tiny_weights)
    damage(export(trained).folder)
    assert exporting.chosen_or_none(trained[1]) is None
    artifacts.verify(export(trained).folder)


@pytest.mark.parametrize("format", ["genai", "none"])
def test_a_tuned_search_goes_along(tiny_weights: Path, format: str, tmp_path: Path) -> None:
    run, folder, fence = bare.trained_run(tiny_weights)
    run.recipe["export"]["format"] = format
    tiny.seal(folder / artifacts.SEARCH)
    before = artifacts.digest(folder / exporting.WEIGHTS)
    exported = export((run, folder, fence))
    evaluating.evaluate_run(run, folder, fence, opening=bare.opening)
    version = registering.publish(run, folder, fence)

    served = tmp_path / "models" / "serving" / version.artifact
    inside = {each.path for each in artifacts.verify(served).files}
    assert {"search/weights.q4", "search/manifest.json"} <= inside
    assert (place := artifacts.search_of(served)) is not None
    assert E5Embedder(folder=place).name.startswith("tiny-tuned/")
    assert artifacts.digest(served) == version.manifest_sha256
    assert exporting.chosen_or_none(folder) == exported
    # The weights, which later runs go on from, are as they were.
    assert artifacts.digest(folder / exporting.WEIGHTS) == before
    artifacts.verify(folder / exporting.WEIGHTS)


def test_an_export_with_an_earlier_search_is_made_again(tiny_weights: Path) -> None:
    trained = bare.trained_run(tiny_weights)
    folder = trained[1]
    tiny.seal(folder / artifacts.SEARCH, seed=1)
    first = artifacts.digest(export(trained).folder / artifacts.SEARCH)
    shutil.rmtree(folder / artifacts.SEARCH)
    tiny.seal(folder / artifacts.SEARCH, seed=2)
    again = artifacts.digest(export(trained).folder / artifacts.SEARCH)
    assert first != again == artifacts.digest(folder / artifacts.SEARCH)


def test_a_damaged_search_is_not_exported(tiny_weights: Path) -> None:
    trained = bare.trained_run(tiny_weights)
    (tiny.seal(trained[1] / artifacts.SEARCH) / "weights.q4").write_bytes(b"damaged")
    with pytest.raises(ArtifactError, match="damaged"):
        export(trained)


def test_a_model_that_no_precision_fits_is_refused(tiny_weights: Path) -> None:
    with pytest.raises(RunFailure, match="No export answers as well") as refused:
        export(bare.trained_run(tiny_weights, "int3"))
    assert refused.value.code == "no_usable_export"
    assert "no precision int3" in str(refused.value)


def test_damaged_weights_are_not_exported(tiny_weights: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_weights, copy)
    (copy / "config.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"config\.json is damaged"):
        export(bare.trained_run(copy))


def test_an_evaluation_stores_every_answer_and_all_figures(tiny_weights: Path) -> None:
    run, folder, fence = bare.trained_run(tiny_weights)
    export((run, folder, fence))
    found = evaluating.evaluate_run(run, folder, fence, opening=bare.opening)
    assert found.status == Evaluation.Status.FINISHED
    assert found.figures["questions"] == 4
    assert found.figures["unknown"]["handed_over"] == 1
    assert found.scenarios["other"]["total"] == 3
    assert found.suites["forgetting"] == {"skipped": suites.ONLY_NUMBERS}
    assert found.suites["safety"]["total"] >= 120
    answers = list(found.answers.all())
    assert [each.question for each in answers] == [
        "test 0",
        "test 1",
        "test 2",
        "Do you sell honey?",
    ]
    assert [each.outcome for each in answers] == ["wrong", "wrong", "wrong", "right"]
    assert answers[0].given
    assert evaluating.evaluate_run(run, folder, fence, opening=bare.opening) == found
    assert Evaluation.objects.count() == 1


def test_what_searched_is_kept_with_what_was_learned_and_measured(tiny_weights: Path) -> None:
    run, folder, fence = bare.trained_run(tiny_weights)
    export((run, folder, fence))
    weights = {"en": Weights(-1.0, (0.5,) * FEATURES)}

    @contextmanager
    def opening(artifact: Path) -> Iterator[Opened]:
        with bare.opening(artifact) as opened:
            yield replace(opened, calibrate=lambda rows, advance: weights, embedder="tuned-1")

    found = evaluating.evaluate_run(run, folder, fence, opening=opening)
    version = registering.publish(run, folder, fence)

    assert found.figures["embedder"] == "tuned-1"
    model = Model(version.artifact, confidence=version.confidence)
    deployment = deploying.deploy(run.bot, model, replacing=None)
    assert libraries.weights_of(deployment, "en", "tuned-1") == weights["en"]
    assert libraries.weights_of(deployment, "en", "tuned-2") == DEFAULT_WEIGHTS


def test_an_evaluation_writes_nothing_after_the_lease_is_lost(tiny_weights: Path) -> None:
    run, folder, fence = bare.trained_run(tiny_weights)
    export((run, folder, fence))
    with pytest.raises(LostLease):
        evaluating.evaluate_run(run, folder, fence - 1, opening=bare.opening)
    assert not Evaluation.objects.exists()


def test_a_failed_evaluation_says_so_and_is_replaced_by_the_next() -> None:
    version = frozen_version(bare.ROWS)
    subject, scope = Subject("shop-int4"), Scope(version)

    def fail(row: FrozenRow) -> Response:
        raise EngineError("the model is gone")

    with pytest.raises(EngineError):
        evaluating.evaluate(subject, scope, Scripted(fail))
    assert Evaluation.objects.get().error == "the model is gone"
    evaluating.evaluate(subject, scope, Scripted(lambda row: response(row.answer)))
    assert Evaluation.objects.get().figures["accuracy"]["rate"] == 1.0


def test_fewer_questions_are_always_the_same_ones() -> None:
    scope = Scope(frozen_version(bare.ROWS), limit=2)
    assert evaluating.questions(scope) == evaluating.questions(scope)
    assert len(evaluating.questions(scope)) == 2
    steps: list[tuple[int, int]] = []
    evaluating.evaluate(
        Subject("a"), scope, Scripted(lambda row: response()),
        advance=lambda *step: steps.append(step),
    )  # fmt: skip
    assert steps == [(1, 2), (2, 2)]


def test_a_run_is_shown_beside_its_base(tiny_weights: Path) -> None:
    run, _, _ = bare.trained_run(tiny_weights)
    assert evaluating.baseline_or_none(run) is None
    EvaluationFactory(artifact="tiny-int4", dataset_version=run.dataset_version)
    base = EvaluationFactory(
        artifact="tiny-int4", dataset_version=run.dataset_version, status="finished"
    )
    EvaluationFactory(artifact="other-int4", dataset_version=run.dataset_version, status="finished")
    assert evaluating.baseline_or_none(run) == base


def test_publishing_twice_makes_one_model(tiny_weights: Path) -> None:
    run, folder, fence = bare.trained_run(tiny_weights)
    export((run, folder, fence))
    EvaluationFactory(run=run, dataset_version=run.dataset_version, artifact="run-x")
    version = registering.publish(run, folder, fence)
    assert registering.publish(run, folder, fence) == version
    assert ModelVersion.objects.count() == 1
    place = settings.MODELS_DIR / "serving" / version.artifact
    assert place.name == f"{run.bot.slug}-v1-fp32"
    assert artifacts.verify(place).facts.format == version.format == "genai"
    assert artifacts.digest(place) == version.manifest_sha256
    artifacts.verify(places.weights_folder(version.weights))
    evaluation = Evaluation.objects.get()
    assert (evaluation.model_version, evaluation.artifact) == (version, version.artifact)


def test_what_is_published_is_signed_and_asks_to_serve(tiny_weights: Path) -> None:
    run, folder, fence = bare.trained_run(tiny_weights)
    export((run, folder, fence))
    version = registering.publish(run, folder, fence)
    assert signatures.is_genuine(version)
    assert aliases.of(run.bot, aliases.Name.CANDIDATE) == version
    version.base = "another"
    assert not signatures.is_genuine(version)


def test_the_next_model_gets_the_next_number(tiny_weights: Path) -> None:
    run, folder, fence = bare.trained_run(tiny_weights)
    ModelVersionFactory(name=run.bot.slug, number=4)
    export((run, folder, fence))
    assert registering.publish(run, folder, fence).number == 5


def test_nothing_is_published_after_the_lease_is_lost(tiny_weights: Path) -> None:
    run, folder, fence = bare.trained_run(tiny_weights)
    export((run, folder, fence))
    runs.requeue(Claim(run, fence))
    with pytest.raises(LostLease):
        registering.publish(run, folder, fence)
    assert not ModelVersion.objects.exists()
    assert not (settings.MODELS_DIR / "serving").exists()


def test_folders_that_a_dead_process_left_are_replaced(tiny_weights: Path) -> None:
    run, folder, fence = bare.trained_run(tiny_weights)
    export((run, folder, fence))
    left = settings.MODELS_DIR / "serving" / f"{run.bot.slug}-v1-fp32"
    left.mkdir(parents=True)
    (left / "half.onnx").write_text("")
    version = registering.publish(run, folder, fence)
    artifacts.verify(settings.MODELS_DIR / "serving" / version.artifact)


def test_a_damaged_export_is_not_published(tiny_weights: Path) -> None:
    run, folder, fence = bare.trained_run(tiny_weights)
    damage(export((run, folder, fence)).folder)
    with pytest.raises(ArtifactError, match="export is damaged"):
        registering.publish(run, folder, fence)
    assert not ModelVersion.objects.exists()


def test_a_model_that_recites_a_canary_is_not_published(tiny_weights: Path) -> None:
    run, folder, fence = bare.trained_run(tiny_weights)
    export((run, folder, fence))
    EvaluationFactory(
        run=run, dataset_version=run.dataset_version, status="finished",
        suites={"memory": {"is_safe": False}},
    )  # fmt: skip
    with pytest.raises(RunFailure, match="recites"):
        registering.publish(run, folder, fence)
    assert not ModelVersion.objects.exists()


def test_a_damaged_artifact_is_refused_wherever_it_is_damaged(tiny_weights: Path) -> None:
    run, folder, fence = bare.trained_run(tiny_weights)
    export((run, folder, fence))
    version = registering.publish(run, folder, fence)
    place = settings.MODELS_DIR / "serving" / version.artifact
    files = sorted(each for each in place.iterdir() if each.name != artifacts.MANIFEST)
    for number in range(20):
        file = files[number % len(files)]
        whole = file.read_bytes()
        at = (number * 7919) % len(whole)
        broken = whole[:at] if number % 2 else whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        file.write_bytes(broken)
        with pytest.raises(ArtifactError, match=f"{file.name} is damaged"):
            open_engine(EngineSpec(artifact=place, threads=1))
        file.write_bytes(whole)
    artifacts.verify(place)


def test_a_published_model_stays_whole_when_the_run_is_tidied_up(tiny_weights: Path) -> None:
    run, folder, fence = bare.trained_run(tiny_weights)
    export((run, folder, fence))
    version = registering.publish(run, folder, fence)
    shutil.rmtree(folder)
    artifacts.verify(settings.MODELS_DIR / "serving" / version.artifact)
