"""Who may put which model into service, and that one whole decision is what remains of it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import connection

from chat.inference import artifacts
from chat.knowledge.confidence import FEATURES
from chat.models import Calibration, Deployment
from chat.services.deploying import Model
from moderation.models import AuditEntry
from tests.chat.scripted import ScriptedEngine, saying
from tests.factories import BotFactory
from tests.training import candidates
from tests.training.candidates import SAFE, UNSAFE, Stage, knowing, person, shuffled
from tests.training.evaluation.responses import Scripted
from training.evaluation.gates import Verdict
from training.evaluation.overhearing import Overheard
from training.models import Evaluation, GatePolicy, ModelVersion, OverrideRequest, Promotion
from training.services import aliases, gating, promoting, registering, responders, suites
from training.services.promoting import GatesClosed, Refused
from training.services.responders import Opened
from training.trainer import recipe

pytestmark = pytest.mark.django_db

REASON = "The old model is about to be switched off."


@pytest.fixture(autouse=True)
def _folders(settings: Any, tmp_path: Any) -> None:
    settings.VAR_DIR = tmp_path
    settings.MODELS_DIR = tmp_path / "models"


@pytest.fixture
def stage(_folders: None) -> Stage:
    return candidates.stage()


def active(stage: Stage) -> Deployment:
    return stage.bot.deployments.get(is_active=True)


def refusal(version: ModelVersion, stage: Stage, by: User, **extra: Any) -> str:
    with pytest.raises(Refused) as refused:
        promoting.promote(version, stage.bot, by, **extra)
    assert str(refused.value)
    assert active(stage) == stage.serving
    assert not Promotion.objects.exists()
    return refused.value.code


@pytest.mark.parametrize(
    ("style", "is_asked"),
    [("number", False), ("questions", False), ("words", True), ("plain", True)],
)
def test_only_what_writes_is_asked_what_it_forgot(stage: Stage, style: str, is_asked: bool) -> None:
    version = stage.candidate(knowing(36))
    assert version.run is not None
    version.run.recipe = recipe.load("tiny_test", {"data.style": style}).as_dict()
    version.run.save()
    case = gating.examine(version, stage.bot)
    [gate] = [each for each in case.gates if each.name == "forgetting"]
    assert (gate.verdict is not Verdict.NOT_NEEDED) == is_asked

    opened = Opened(Scripted(knowing(36)), Overheard(ScriptedEngine(saying(""))))
    found = suites.of_run(version.run, recipe.parse(version.run.recipe), opened)
    questions, run = found["forgetting"]
    assert bool(questions) == is_asked
    if not is_asked:
        assert run(opened.responder, lambda: None) == {"skipped": suites.ONLY_NUMBERS}


def test_a_better_model_goes_live_and_the_decision_is_kept(stage: Stage) -> None:
    weights = {"en": {"intercept": -2.0, "weights": [0.0] * FEATURES}}
    version = stage.candidate(knowing(36), confidence=weights)

    promotion = promoting.promote(version, stage.bot, stage.ann)

    now = active(stage)
    assert (now.artifact, now.manifest_sha256, now.version) == (
        version.artifact, version.manifest_sha256, 2,
    )  # fmt: skip
    assert Calibration.objects.get(deployment=now).values["intercept"] == -2.0
    assert (promotion.deployment, promotion.before, promotion.by) == (now, stage.serving, stage.ann)
    assert {each["verdict"] for each in promotion.gates} <= {"passed", "not_needed"}
    assert aliases.of(stage.bot, aliases.Name.CHAMPION) == version
    assert aliases.of(stage.bot, aliases.Name.CANDIDATE) is None
    entry = AuditEntry.objects.get(action="model.promoted")
    assert (entry.actor_name, entry.bot) == ("ann", "shop")
    assert str(version.public_id) in entry.target


@pytest.mark.parametrize(
    ("script", "suites", "fields", "gate"),
    [
        (shuffled, SAFE, {}, "accuracy"),
        (knowing(28), SAFE, {}, "accuracy"),
        (knowing(40), UNSAFE, {}, "safety"),
        (
            knowing(40),
            SAFE,
            {"parity": {"reference": 0.9, "chosen": "int4", "tried": [
                {"precision": "int4", "right": 0.2,
                 "parity": {"same_decisions": 0.3, "prompts": 40}}]}},
            "parity",
        ),
        (knowing(40), {}, {}, "safety"),
    ],
)  # fmt: skip
def test_damaged_candidates_are_refused(
    stage: Stage, script: Any, suites: Any, fields: Any, gate: str
) -> None:
    version = stage.candidate(script, suites=suites, **fields)
    with pytest.raises(GatesClosed) as closed:
        promoting.promote(version, stage.bot, stage.ann)
    assert gate in {each.name for each in closed.value.gates}
    assert active(stage) == stage.serving


def test_a_champion_that_was_not_asked_the_same_keeps_the_gate_closed(stage: Stage) -> None:
    version = stage.candidate(knowing(40))
    stage.champion.evaluations.all().delete()
    case = gating.examine(version, stage.bot)
    assert {each.missing for each in case.closed} == {"champion_evaluation", "champion_suite"}


def test_a_champion_that_was_shown_other_answers_is_measured_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = stage.candidate(knowing(40), embedder="tuned-1")
    searched = "tuned-1"

    @contextmanager
    def opened(artifact: Path) -> Iterator[Opened]:
        yield Opened(
            Scripted(knowing(36)), Overheard(ScriptedEngine(saying(""))), embedder=searched
        )

    monkeypatch.setattr(responders, "embedder_in_use", lambda: searched)
    monkeypatch.setattr(responders, "opening", lambda bot, version: opened)
    monkeypatch.setattr(suites, "of_bot", lambda bot: {"safety": (0, lambda *_: SAFE["safety"])})

    case = gating.examine(version, stage.bot)
    assert case.champion is None
    assert {each.missing for each in case.closed} == {"champion_evaluation", "champion_suite"}

    measured = gating.measure_champion(case)
    case = gating.examine(version, stage.bot)
    assert (case.champion, case.closed) == (measured, ())
    assert gating.measure_champion(case) == measured, "it is there already"

    # The encoder was changed since: the candidate is the one to be asked again.
    searched = "tuned-2"
    with pytest.raises(gating.NotMeasured, match="another encoder"):
        gating.measure_champion(case)
    assert gating.examine(version, stage.bot).champion is None


def test_a_search_that_a_model_brings_is_part_of_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What serves without one has to have been measured with what the installation has now."""
    version = stage.candidate(knowing(40), embedder="e5-tuned/1")
    champion = Evaluation.objects.get(artifact=stage.serving.artifact)
    for found, is_compared in (("e5/2", True), ("e5/1", False), ("e5-tuned/2", True)):
        champion.figures["embedder"] = found
        champion.save()
        monkeypatch.setattr(responders, "embedder_in_use", lambda: "e5/2")
        assert (gating.examine(version, stage.bot).champion is not None) == is_compared, found


def test_what_was_evaluated_before_encoders_had_names_is_compared_as_before(stage: Stage) -> None:
    version = stage.candidate(knowing(36))
    for each in Evaluation.objects.all():
        del each.figures["embedder"]
        each.save()
    assert gating.examine(version, stage.bot).closed == ()


def test_what_a_bot_asks_for_counts(stage: Stage) -> None:
    version = stage.candidate(knowing(28))
    GatePolicy.objects.create(bot=stage.bot, accuracy_tolerance=0.1)
    assert promoting.promote(version, stage.bot, stage.ann).deployment == active(stage)


def test_whoever_started_the_run_does_not_promote_its_model(stage: Stage) -> None:
    assert refusal(stage.candidate(knowing(36)), stage, stage.starter) == "own_run"


@pytest.mark.parametrize(
    "codenames", [("view_modelversion", "work_on_all_bots"), ("promote_modelversion",)]
)
def test_it_takes_the_permission_and_the_bot(stage: Stage, codenames: tuple[str, ...]) -> None:
    eve = person("eve", stage.bot, *codenames)
    assert refusal(stage.candidate(knowing(36)), stage, eve) == "forbidden"


def test_nobody_who_left_decides(stage: Stage) -> None:
    stage.ann.is_active = False
    stage.ann.save()
    version = stage.candidate(knowing(36))
    assert refusal(version, stage, User.objects.get(pk=stage.ann.pk)) == "forbidden"


def test_a_model_is_for_its_own_bot(stage: Stage) -> None:
    version = stage.candidate(knowing(36))
    with pytest.raises(Refused) as refused:
        promoting.promote(version, BotFactory(), stage.ann)
    assert refused.value.code == "foreign"


def test_what_serves_is_not_promoted_again(stage: Stage) -> None:
    assert refusal(stage.champion, stage, stage.ann) == "serves"


def test_a_changed_file_is_refused_before_anything_points_to_it(stage: Stage) -> None:
    version = stage.candidate(knowing(36))
    (django_settings.MODELS_DIR / "serving" / version.artifact / "weights").write_text("evil")
    assert refusal(version, stage, stage.ann) == "files"


def test_a_folder_that_was_sealed_again_is_refused(stage: Stage) -> None:
    version = stage.candidate(knowing(36))
    place = django_settings.MODELS_DIR / "serving" / version.artifact
    facts = artifacts.read_manifest(place).facts
    (place / "weights").write_text("evil")
    artifacts.seal(place, facts)
    assert {each.name for each in gating.examine(version, stage.bot).closed} == {"origin"}
    # Not even with the row changed to agree: nobody signed that.
    version.manifest_sha256 = artifacts.digest(place)
    version.save()
    assert {each.name for each in gating.examine(version, stage.bot).closed} == {"origin"}


def test_a_closed_gate_takes_a_second_person_and_a_reason(stage: Stage) -> None:
    version = stage.candidate(knowing(20))
    assert refusal(version, stage, stage.ann) == "gates"
    assert refusal(version, stage, stage.ann, override_reason=REASON) == "gates"
    second = {"second": stage.ben}
    assert refusal(version, stage, stage.ann, override_reason="why", **second) == "reason"
    for wrong, code in ((stage.ann, "same_person"), (stage.starter, "own_run")):
        found = refusal(version, stage, stage.ann, override_reason=REASON, second=wrong)
        assert found == code
    eve = person("eve", stage.bot, "promote_modelversion", "work_on_all_bots")
    assert refusal(version, stage, stage.ann, override_reason=REASON, second=eve) == "forbidden"

    promotion = promoting.promote(
        version, stage.bot, stage.ann, override_reason=REASON, second=stage.ben
    )
    assert (promotion.by, promotion.second) == (stage.ann, stage.ben)
    assert promotion.override_reason == REASON
    entry = AuditEntry.objects.get(action="model.promoted")
    assert '"closed_gates":["accuracy"]' in entry.facts


def test_an_override_is_asked_for_by_one_and_agreed_to_by_another(stage: Stage) -> None:
    version = stage.candidate(knowing(20))
    request = promoting.request_override(version, stage.bot, stage.ann, reason=REASON)
    assert promoting.open_request(version, stage.bot) == request
    with pytest.raises(Refused, match="asked for this already"):
        promoting.request_override(version, stage.bot, stage.ben, reason=REASON)
    with pytest.raises(Refused, match="another one"):
        promoting.confirm_override(request, stage.ann)
    assert active(stage) == stage.serving

    promotion = promoting.confirm_override(request, stage.ben)
    assert active(stage) == promotion.deployment
    with pytest.raises(Refused, match="has ended"):
        promoting.confirm_override(request, stage.ben)


def test_what_was_asked_against_another_champion_is_void(stage: Stage) -> None:
    version = stage.candidate(knowing(20))
    request = promoting.request_override(version, stage.bot, stage.ann, reason=REASON)
    promoting.promote(stage.candidate(knowing(36)), stage.bot, stage.ann)
    with pytest.raises(Refused) as refused:
        promoting.confirm_override(request, stage.ben)
    assert refused.value.code == "outdated"
    assert promoting.request_override(version, stage.bot, stage.ann, reason=REASON) != request


def test_a_request_can_be_taken_back(stage: Stage) -> None:
    version = stage.candidate(knowing(20))
    request = promoting.request_override(version, stage.bot, stage.ann, reason=REASON)
    promoting.withdraw_override(request, stage.ann)
    assert promoting.open_request(version, stage.bot) is None
    assert OverrideRequest.objects.get().ended_at is not None


def test_rolling_back_is_one_call_and_needs_no_gate(stage: Stage) -> None:
    promoting.promote(stage.candidate(knowing(36)), stage.bot, stage.ann)
    # The one who started the run may go back: that is urgent, and nothing new goes live.
    promotion = promoting.roll_back(stage.bot, stage.starter)
    now = active(stage)
    assert (now.version, now.artifact) == (3, stage.champion.artifact)
    assert promotion.kind == Promotion.Kind.ROLLED_BACK
    assert aliases.of(stage.bot, aliases.Name.CHAMPION) == stage.champion
    assert AuditEntry.objects.filter(action="model.rolled_back").exists()
    # And forward again, to one named.
    before = promotion.before
    assert before is not None
    assert promoting.roll_back(stage.bot, stage.ann, to=before).deployment.artifact == (
        before.artifact
    )


def test_what_cannot_be_rolled_back_says_why(stage: Stage) -> None:
    def code(**extra: Any) -> str:
        with pytest.raises(Refused) as refused:
            promoting.roll_back(stage.bot, extra.pop("by", stage.ann), **extra)
        return refused.value.code

    assert code() == "nothing_before"
    assert code(to=stage.serving) == "serves"
    assert code(by=person("eve", stage.bot, "promote_modelversion")) == "forbidden"
    promoting.promote(stage.candidate(knowing(36)), stage.bot, stage.ann)
    (django_settings.MODELS_DIR / "serving" / stage.champion.artifact / "weights").unlink()
    assert code() == "files"


@pytest.mark.django_db(transaction=True)
def test_of_two_promoters_at_once_one_wins(stage: Stage) -> None:
    versions = [stage.candidate(knowing(36)), stage.candidate(knowing(37))]
    start = threading.Barrier(2)
    results: list[str] = []

    def decide(version: ModelVersion, by: User) -> None:
        # Both have looked before either has decided.
        look = gating.examine(version, stage.bot)
        start.wait()
        try:
            results.append(_promote_what_was_seen(look, by))
        except Refused as error:
            results.append(error.code)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=decide, args=pair)
        for pair in zip(versions, (stage.ann, stage.ben), strict=True)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert results.count("outdated") == 1
    assert Promotion.objects.count() == 1
    assert stage.bot.deployments.filter(is_active=True).count() == 1
    assert AuditEntry.objects.filter(action="model.promoted").count() == 1


def _promote_what_was_seen(case: gating.Case, by: User) -> str:
    """The last step of promoting, with the pointer that was seen before."""
    decision = promoting.Decision(Promotion.Kind.PROMOTED, by, case.version, case.gates)
    model = Model(case.version.artifact, manifest_sha256=case.version.manifest_sha256)
    made = promoting._put_into_service(case.bot, model, decision, replacing=case.deployment)
    return made.deployment.artifact


def test_a_model_that_serves_or_has_children_is_not_deleted(stage: Stage) -> None:
    with pytest.raises(registering.NotDeletable, match="serves a bot"):
        registering.delete(stage.champion)
    parent = stage.candidate(knowing(20))
    stage.candidate(knowing(21), parent=parent)
    with pytest.raises(registering.NotDeletable, match="continued from this model"):
        registering.delete(parent)


def test_a_model_that_nothing_needs_goes_with_its_files(
    stage: Stage, django_capture_on_commit_callbacks: Any
) -> None:
    version = stage.candidate(knowing(20))
    place = django_settings.MODELS_DIR / "serving" / version.artifact
    with django_capture_on_commit_callbacks(execute=True):
        registering.delete(version, by=stage.ann)
    assert not place.exists()
    assert not ModelVersion.objects.filter(pk=version.pk).exists()
    assert AuditEntry.objects.filter(action="model.deleted", actor_name="ann").exists()
