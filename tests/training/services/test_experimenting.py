"""A model is tried on some customers by those who may, and the statistics end it."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from chat.models import Conversation
from chat.selectors import deployment_of
from moderation.models import AuditEntry
from tests.factories import ConversationFactory, MessageFactory
from tests.training import candidates
from tests.training.candidates import Stage, knowing, person
from training.models import Experiment
from training.services import experimenting, promoting
from training.services.promoting import GatesClosed, Refused

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folders(settings: Any, tmp_path: Any) -> None:
    settings.VAR_DIR = tmp_path
    settings.MODELS_DIR = tmp_path / "models"


@pytest.fixture
def stage(_folders: None) -> Stage:
    return candidates.stage()


def started(stage: Stage, *, share: int = 50, effect: float = 0.3) -> Experiment:
    return experimenting.start(
        stage.candidate(knowing(36)), stage.bot, stage.ann, share=share, effect=effect
    )


def talked(experiment: Experiment, *, challenger: bool, resolved: int, total: int) -> None:
    """So many visitors of one arm talked, and so many of them needed no person."""
    done = 0
    while done < total:
        conversation = ConversationFactory(visitor__bot=experiment.bot, last_seq=2)
        MessageFactory(conversation=conversation, role="assistant", source="model")
        if experiment.traffic.is_challengers(conversation.visitor.public_id) is not challenger:
            conversation.delete()
            continue
        reason = "" if done < resolved else "asked"
        Conversation.objects.filter(pk=conversation.pk).update(
            handoff_reason=reason, status="closed", closed_at=timezone.now()
        )
        done += 1


def test_some_visitors_get_the_challenger_and_the_plan_is_kept(stage: Stage) -> None:
    experiment = started(stage)
    assert (experiment.base, experiment.verdict) == (experimenting.USUAL_RATE, "running")
    assert experiment.per_arm > 20
    served = {deployment_of(ConversationFactory(visitor__bot=stage.bot).visitor) for _ in range(40)}
    assert served == {stage.serving, experiment.traffic.challenger}
    assert AuditEntry.objects.filter(action="experiment.started").count() == 1


def test_what_may_not_go_live_is_not_tried_on_customers(stage: Stage) -> None:
    with pytest.raises(GatesClosed):
        experimenting.start(
            stage.candidate(knowing(10)), stage.bot, stage.ann, share=20, effect=0.1
        )
    assert not Experiment.objects.exists()


def test_nor_by_who_started_its_training_or_has_no_business_here(stage: Stage) -> None:
    version = stage.candidate(knowing(36))
    stranger = person("stranger", stage.bot, "promote_modelversion")
    for somebody in (stage.starter, stranger):
        with pytest.raises(Refused):
            experimenting.start(version, stage.bot, somebody, share=20, effect=0.1)
    assert not Experiment.objects.exists()


def test_one_model_is_tried_at_a_time(stage: Stage) -> None:
    started(stage)
    with pytest.raises(Refused) as refused:
        started(stage)
    assert refused.value.code == "already"


def test_harm_ends_it_by_itself(stage: Stage) -> None:
    experiment = started(stage)
    talked(experiment, challenger=False, resolved=experiment.per_arm, total=experiment.per_arm)
    talked(experiment, challenger=True, resolved=0, total=experiment.per_arm)

    ended = experimenting.advance(experiment)
    assert (ended.verdict, ended.ended_by) == ("harm", None)
    visitor = ConversationFactory(visitor__bot=stage.bot).visitor
    assert deployment_of(visitor) == stage.serving


def test_a_better_one_wins_and_a_person_promotes_it(stage: Stage) -> None:
    experiment = started(stage)
    talked(experiment, challenger=False, resolved=0, total=experiment.per_arm)
    talked(experiment, challenger=True, resolved=experiment.per_arm, total=experiment.per_arm)

    assert experimenting.advance(experiment).verdict == "winner"
    assert stage.bot.deployments.get(is_active=True) == stage.serving
    promoting.promote(experiment.model_version, stage.bot, stage.ann)


def test_a_look_is_taken_once_and_not_before_it_is_due(stage: Stage) -> None:
    experiment = started(stage)
    talked(experiment, challenger=False, resolved=3, total=5)
    talked(experiment, challenger=True, resolved=3, total=5)
    assert experimenting.advance(experiment).looks == []

    half = experimenting.plan_of(experiment).size_of(1)
    for challenger in (False, True):
        talked(experiment, challenger=challenger, resolved=half // 2, total=half)
    looks = experimenting.advance(experiment).looks
    assert len(looks) == 1
    assert experimenting.advance(experiment).looks == looks


def test_a_visitor_counts_once_and_open_conversations_not_yet(stage: Stage) -> None:
    experiment = started(stage)
    talked(experiment, challenger=True, resolved=1, total=1)
    Conversation.objects.update(status="open", closed_at=None)
    assert experimenting.arms(experiment)[1].total == 0, "not over"
    Conversation.objects.update(status="closed", closed_at=timezone.now())
    visitor = Conversation.objects.get().visitor
    for _ in range(3):
        ConversationFactory(visitor=visitor, last_seq=2, handoff_reason="asked")
    found = experimenting.arms(experiment)[1]
    assert (found.good, found.total) == (1, 1)


def test_a_promotion_ends_what_was_compared_with_the_old_one(stage: Stage) -> None:
    experiment = started(stage)
    promoting.promote(experiment.model_version, stage.bot, stage.ann)
    assert experimenting.advance(experiment).verdict == "outdated"


def test_nobody_ends_it_without_the_right_or_a_reason(stage: Stage) -> None:
    experiment = started(stage)
    clerk = person("clerk", stage.bot, "view_modelversion", "work_on_all_bots")
    elsewhere = person("elsewhere", stage.bot, "promote_modelversion")
    for somebody in (clerk, elsewhere):
        with pytest.raises(Refused) as refused:
            experimenting.end(experiment, somebody, "The shop closes today.")
        assert refused.value.code == "forbidden"
    with pytest.raises(Refused):
        experimenting.end(experiment, stage.ann, "no")
    experiment.refresh_from_db()
    assert experiment.ended_at is None


def test_commands_start_it_say_where_it_stands_and_end_it(stage: Stage) -> None:
    version = stage.candidate(knowing(36))
    name = f"{version.name}:{version.number}"

    def said(*words: str) -> str:
        out = StringIO()
        call_command("experiment", *words, stdout=out)
        return out.getvalue()

    assert "answers 20 %" in said("start", name, "--by", "ann")
    assert "look 0 of 5" in said("status", "shop")
    with pytest.raises(CommandError, match="10 to 500"):
        said("end", "shop", "--by", "ben", "--reason", "no")
    assert "ended" in said("end", "shop", "--by", "ben", "--reason", "The shop closes today.")
    ended = Experiment.objects.get()
    assert (ended.ended_by, ended.end_reason) == (stage.ben, "The shop closes today.")
    with pytest.raises(CommandError, match="1 to 50"):
        said("start", name, "--by", "ann", "--share", "90")
