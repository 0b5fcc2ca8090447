"""The loop goes round by itself, each step once, and stops wherever a person has to decide."""

from io import StringIO
from typing import Any

import pytest
from celery import current_app
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from chat.models import Deployment
from moderation.models import AuditEntry
from tests.training import candidates
from tests.training.candidates import SAFE, Stage, evaluated, knowing, model
from tests.training.services.increment_world import (
    approve,
    proposal,
    reject,
    reviewer,
    with_weights,
)
from training.models import (
    Dataset,
    Increment,
    IncrementPolicy,
    ModelVersion,
    ReviewDecision,
    ReviewItem,
    TrainingRun,
)
from training.services import (
    increment_decisions,
    increment_state,
    increments,
    promoting,
    reviewing,
    runs,
    signatures,
)
from training.services.increment_decisions import IncrementRefused, cancel, close, propose
from training.services.increments import advance
from training.services.promoting import Refused
from training.tasks import go_on

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folders(settings: Any, tmp_path: Any) -> None:
    settings.VAR_DIR = tmp_path
    settings.MODELS_DIR = tmp_path / "models"
    settings.CHAT_EMBEDDER = "ngrams"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the tasks that were called."""
    called: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, *_, **__: called.append(name))
    return called


@pytest.fixture
def stage(_folders: None, sent: list[str]) -> Stage:
    made = candidates.stage()
    with_weights(made)
    return made


def opened(stage: Stage, count: int = 2, **fields: Any) -> Increment:
    for _ in range(count):
        proposal(stage.bot)
    return propose(stage.bot, by=None, slot=None, **fields)


def trained(stage: Stage) -> Increment:
    """Decided, closed by ``rita`` and in training."""
    increment = opened(stage)
    rita = reviewer("rita", stage.bot)
    for item in increment.items.all():
        approve(item, rita)
    close(increment, by=rita)
    return advance(increment)


def finished(increment: Increment, stage: Stage) -> ModelVersion:
    """Its run has made a model that knows more than the champion."""
    run = increment.run
    assert run is not None
    version = model(stage.bot, stage.data, starter=stage.starter)
    made_up, version.run = version.run, run
    version.save(update_fields=["run"])
    assert made_up is not None
    made_up.delete()
    signatures.sign(version)
    evaluated(version, stage.data, knowing(36), SAFE)
    TrainingRun.objects.filter(pk=run.pk).update(status="succeeded")
    return version


def topics(increment: Increment) -> list[str]:
    return sorted(increment.items.values_list("scenario", flat=True))


def test_a_batch_has_of_each_topic_what_is_worth_most(stage: Stage) -> None:
    for value in (9, 8, 7, 6):
        proposal(stage.bot, "delivery", value)
    for value in (1, 2):
        proposal(stage.bot, "returns", value)
    increment = propose(stage.bot, by=None, slot=None, size=4)
    assert topics(increment) == ["delivery", "delivery", "returns", "returns"]
    assert set(increment.items.values_list("value", flat=True)) == {9, 8, 1, 2}


def test_one_question_asked_by_many_does_not_fill_a_batch(stage: Stage) -> None:
    for _ in range(5):
        proposal(stage.bot, value=9, cluster="same")
    proposal(stage.bot, value=4)
    proposal(stage.bot, value=5)
    increment = propose(stage.bot, by=None, slot=None, size=3)
    values = sorted(increment.items.values_list("value", flat=True))
    assert values == [5, 9, 9], "9, 9/2 and 5 are worth more than 4 and 9/3"


def test_what_was_approved_since_the_last_model_counts(stage: Stage) -> None:
    rita = reviewer("rita", stage.bot)
    for _ in range(3):
        approve(proposal(stage.bot), rita)
    increment = opened(stage, 4, size=5)
    assert (increment.already, increment.items.count()) == (3, 2)


def test_how_many_is_decided_for_each_bot(stage: Stage) -> None:
    assert opened(stage, 1).size == 500
    Increment.objects.update(ended_at=timezone.now())
    IncrementPolicy.objects.create(bot=stage.bot, size=2)
    assert opened(stage, 3).items.count() == 2


def test_nothing_is_opened_for_nothing(stage: Stage) -> None:
    with pytest.raises(IncrementRefused):
        propose(stage.bot, by=None, slot=None)
    assert not Increment.objects.exists()


def test_one_at_a_time(stage: Stage) -> None:
    opened(stage)
    with pytest.raises(IncrementRefused):
        opened(stage)
    assert Increment.objects.count() == 1


def test_who_may_not_review_proposes_nothing_and_who_may_not_approve_closes_nothing(
    stage: Stage,
) -> None:
    proposal(stage.bot)
    curator = reviewer("curator", stage.bot, "review_example")
    with pytest.raises(IncrementRefused):
        propose(stage.bot, by=stage.ann, slot=None)
    increment = propose(stage.bot, by=curator, slot=None)
    for act in (close, cancel):
        with pytest.raises(IncrementRefused):
            act(increment, by=curator)
    increment.refresh_from_db()
    assert increment.stage == "review"


def test_a_batch_waits_for_every_decision_and_until_none_is_taken_back(stage: Stage) -> None:
    increment = opened(stage, 2)
    rita, rob = reviewer("rita", stage.bot), reviewer("rob", stage.bot)
    first, second = increment.items.all()
    approve(first, rita)
    assert advance(increment).stage == "review", "one is open"
    reject(second, rob)
    assert advance(increment).stage == "review", "it can be taken back"
    ReviewDecision.objects.update(created_at=timezone.now() - increments.TIME_TO_UNDO)
    current = advance(increment)
    assert (current.stage, current.closed_by) == ("training", rita), "who approved last has closed"


def test_closing_gives_back_what_nobody_decided(stage: Stage) -> None:
    increment = opened(stage, 3)
    rita = reviewer("rita", stage.bot)
    first, *_ = increment.items.all()
    approve(first, rita)
    close(increment, by=rita)
    assert [each.pk for each in increment.items.all()] == [first.pk]
    assert ReviewItem.objects.filter(status="open", increment=None).count() == 2
    with pytest.raises(IncrementRefused):
        close(increment, by=rita)


def test_the_run_goes_on_from_what_serves_and_is_queued_once(stage: Stage) -> None:
    increment = trained(stage)
    run = increment.run
    assert run is not None
    assert (run.parent, run.recipe_name) == (stage.champion, "tiny_test")
    assert run.recipe["data"]["new_first"] is True
    assert run.dataset_version == increment.dataset_version
    assert run.dataset_version != stage.data

    # Somebody who looked before it was queued comes too late.
    late = Increment.objects.get(pk=increment.pk)
    late.stage = Increment.Stage.CLOSED
    assert increments._train(late).run == run
    assert advance(increment).run == run
    assert TrainingRun.objects.filter(parent=stage.champion).count() == 1


def test_a_candidate_is_not_continued_but_what_serves_when_it_is_trained(stage: Stage) -> None:
    increment = opened(stage)
    candidate = stage.candidate(knowing(36))
    rita = reviewer("rita", stage.bot)
    for item in increment.items.all():
        approve(item, rita)
    close(increment, by=rita)
    Deployment.objects.update(is_active=False)
    Deployment.objects.create(bot=stage.bot, version=2, artifact=candidate.artifact, is_active=True)
    current = advance(increment)
    assert current.stage == "closed"
    assert str(candidate) in current.trouble, "it serves, but its weights were not kept"

    Deployment.objects.filter(version=2).update(is_active=False)
    Deployment.objects.filter(version=1).update(is_active=True)
    run = advance(increment).run
    assert run is not None
    assert run.parent == stage.champion


def test_whoever_closed_it_started_it_and_does_not_promote_it(stage: Stage) -> None:
    increment = trained(stage)
    run = increment.run
    assert run is not None
    assert run.created_by == increment.closed_by
    version = finished(increment, stage)
    advance(increment)
    rita = increment.closed_by
    assert rita is not None
    promoter = reviewer("rita-too", stage.bot, "promote_modelversion")
    rita.user_permissions.set(promoter.user_permissions.all())
    rita = type(rita).objects.get(pk=rita.pk)
    with pytest.raises(Refused) as refused:
        promoting.check_may_promote(version, stage.bot, rita)
    assert refused.value.code == "own_run"
    promoting.check_may_promote(version, stage.bot, promoter)


def test_it_stops_at_the_gate_until_a_person_promotes(stage: Stage, sent: list[str]) -> None:
    increment = trained(stage)
    version = finished(increment, stage)
    assert advance(increment).stage == "gate"
    assert advance(increment).stage == "gate"
    assert stage.bot.deployments.get(is_active=True) == stage.serving
    promoting.promote(version, stage.bot, stage.ann)
    current = advance(increment)
    assert (current.stage, current.ended_by) == ("promoted", stage.ann)


def test_what_serves_is_asked_the_same_questions(stage: Stage, sent: list[str]) -> None:
    increment = trained(stage)
    version = finished(increment, stage)
    evaluation = version.evaluations.get()
    champion = stage.champion.evaluations.get()
    other = Dataset.objects.get(bot=stage.bot).versions.exclude(pk=stage.data.pk).first()
    assert other is not None
    other.counts = stage.data.counts
    other.save(update_fields=["counts"])
    evaluation.dataset_version = other
    evaluation.save()
    assert champion.dataset_version == stage.data
    advance(increment)
    assert sent.count("training.tasks.evaluate_champion") == 1


def test_a_failed_run_is_told_and_taken_up_again(stage: Stage) -> None:
    increment = trained(stage)
    run = increment.run
    assert run is not None
    TrainingRun.objects.filter(pk=run.pk).update(status="failed")
    current = advance(increment)
    assert (current.stage, bool(current.trouble)) == ("training", True)
    runs.resume(run)
    assert advance(increment).trouble == ""


def test_nothing_new_ends_without_a_training(stage: Stage) -> None:
    increment = trained(stage)
    version = finished(increment, stage)
    advance(increment)
    with_weights_of = ModelVersion.objects.filter(pk=version.pk)
    with_weights_of.update(weights=stage.champion.weights)
    promoting.promote(version, stage.bot, stage.ann)
    advance(increment)

    again = opened(stage, 1)
    rob = reviewer("rob", stage.bot)
    reject(again.items.get(), rob)
    close(again, by=rob)
    assert advance(again).stage == "nothing_new"
    assert TrainingRun.objects.filter(parent=version).count() == 0


def test_a_later_increment_passes_over_one_that_nobody_promoted(stage: Stage) -> None:
    increment = trained(stage)
    finished(increment, stage)
    advance(increment)
    opened(stage)
    increment.refresh_from_db()
    assert (increment.stage, increment.is_over) == ("passed_over", True)


def test_cancelling_stops_the_training_and_keeps_what_was_approved(stage: Stage) -> None:
    increment = trained(stage)
    rita, run = increment.closed_by, increment.run
    assert rita is not None
    assert run is not None
    cancelled = cancel(increment, by=rita)
    assert (cancelled.stage, cancelled.ended_by) == ("cancelled", rita)
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert increment_decisions.approved_since(stage.bot, stage.champion) == 2
    assert cancel(increment, by=rita).ended_at == cancelled.ended_at
    assert opened(stage, 1).items.count() == 1, "and another one may be proposed"


def test_cancelling_a_review_gives_its_proposals_back(stage: Stage) -> None:
    increment = opened(stage, 2)
    cancel(increment, by=reviewer("rita", stage.bot))
    assert ReviewItem.objects.filter(increment=None, status="open").count() == 2


def test_what_was_taken_back_later_may_be_in_another_batch(stage: Stage) -> None:
    increment = opened(stage, 1)
    rita = reviewer("rita", stage.bot)
    approve(increment.items.get(), rita)
    cancel(increment, by=rita)
    reviewing.undo(rita)
    assert propose(stage.bot, by=None, slot=None).items.count() == 1


def test_reviewers_see_the_batch_first(stage: Stage) -> None:
    first = proposal(stage.bot, value=1)
    propose(stage.bot, by=None, slot=None)
    later = proposal(stage.bot, value=9)
    rita = reviewer("rita", stage.bot)
    assert list(reviewing.open_items(rita)) == [first, later]
    Increment.objects.update(stage="closed")
    assert list(reviewing.open_items(rita)) == [later, first]


def test_every_step_is_on_record_with_who_took_it(stage: Stage) -> None:
    increment = trained(stage)
    version = finished(increment, stage)
    advance(increment)
    promoting.promote(version, stage.bot, stage.ann)
    advance(increment)
    entries = AuditEntry.objects.filter(target=f"increment:{increment.public_id}").order_by("id")
    assert [(each.action, each.actor_name) for each in entries] == [
        ("increment.proposed", "csbot"),
        ("increment.closed", "rita"),
        ("increment.queued", "csbot"),
        ("increment.at_gate", "csbot"),
        ("increment.promoted", "ann"),
    ]


def test_a_first_model_starts_from_the_base(stage: Stage) -> None:
    Deployment.objects.all().delete()
    proposal(stage.bot)
    increment = propose(stage.bot, by=None, slot=None)
    rita = reviewer("rita", stage.bot)
    approve(increment.items.get(), rita)
    close(increment, by=rita)
    assert "smollm2" in advance(increment).trouble, "which has to be here"
    assert not TrainingRun.objects.filter(created_by=rita).exists()


def test_a_recipe_for_another_base_is_told_and_not_mixed(stage: Stage) -> None:
    ModelVersion.objects.filter(pk=stage.champion.pk).update(base="other")
    increment = trained(stage)
    assert (increment.stage, increment.run) == ("closed", None)
    assert "another base" in increment.trouble
    ModelVersion.objects.filter(pk=stage.champion.pk).update(base="tiny")
    assert advance(increment).trouble == ""


def test_a_bot_that_is_switched_off_does_not_start_anew(stage: Stage) -> None:
    stage.bot.is_active = False
    stage.bot.save(update_fields=["is_active"])
    assert increment_state.champion_of(stage.bot) == stage.champion


def test_the_schedule_proposes_and_takes_what_steps_there_are(stage: Stage) -> None:
    IncrementPolicy.objects.create(bot=stage.bot, size=10)
    proposal(stage.bot)
    go_on()
    go_on()
    increment = Increment.objects.get()
    assert (increment.stage, increment.proposed_by) == ("review", None)
    rita = reviewer("rita", stage.bot)
    approve(increment.items.get(), rita)
    close(increment, by=rita)
    go_on()
    increment.refresh_from_db()
    assert increment.stage == "training"


def test_commands_propose_close_and_say_where_it_stands(stage: Stage) -> None:
    def said(*words: str) -> str:
        out = StringIO()
        call_command(*words, stdout=out)
        return out.getvalue()

    rita = reviewer("rita", stage.bot)
    with pytest.raises(CommandError):
        said("increments", "close", "shop", "--by", "rita")
    assert "no increment" in said("increments", "status", "shop")
    for _ in range(3):
        proposal(stage.bot)
    assert "2 proposals" in said("propose_increment", "shop", "--size", "2", "--by", "rita")
    increment = Increment.objects.get()
    assert increment.slot == timezone.localdate().replace(day=1)
    for item in increment.items.all():
        approve(item, rita)
    assert "being trained, 2 of 2" in said("increments", "close", "shop", "--by", "rita")
    assert "being trained" in said("increments", "status", "shop")
    with pytest.raises(CommandError, match="one at a time"):
        said("propose_increment", "shop")
    assert "cancelled" in said("increments", "cancel", "shop", "--by", "rita")
