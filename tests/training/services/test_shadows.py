"""Shadow mode is begun by those who may promote; votes become questions for every later model."""

import math
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from chat.models import Bot, Message, Shadow, ShadowAnswer
from chat.services.shadowing import Sample
from moderation.models import AuditEntry
from tests.factories import MessageFactory, ShadowAnswerFactory, ShadowFactory
from tests.training import candidates
from tests.training.candidates import Stage, knowing, person
from training.experiments import votes
from training.experiments.votes import Tally
from training.models import Correction, Erasure, ShadowVote, VotedCase
from training.services import erasing, promoting, retention, shadows, suites, voted_cases
from training.services.promoting import GatesClosed, Refused

pytestmark = pytest.mark.django_db
Choice = ShadowVote.Choice


@pytest.fixture(autouse=True)
def _folders(settings: Any, tmp_path: Any) -> None:
    settings.VAR_DIR = tmp_path
    settings.MODELS_DIR = tmp_path / "models"


@pytest.fixture
def stage(_folders: None) -> Stage:
    return candidates.stage()


@pytest.fixture
def pair() -> ShadowAnswer:
    """A customer was told "In two days.", the candidate would have said "In a week."."""
    made: ShadowAnswer = ShadowAnswerFactory.create()
    return made


def voter(pair: ShadowAnswer, name: str = "vera") -> Any:
    return person(name, pair.shadow.bot, "add_shadowvote", "work_on_all_bots")


def started(stage: Stage) -> Shadow:
    return shadows.start(stage.candidate(knowing(36)), stage.bot, stage.ann, Sample(20, 50))


# Begun and stopped


def test_it_begins_by_the_rules_of_an_experiment(stage: Stage) -> None:
    good, bad = stage.candidate(knowing(36)), stage.candidate(knowing(10))
    stranger = person("stranger", stage.bot, "promote_modelversion")
    with pytest.raises(GatesClosed):
        shadows.start(bad, stage.bot, stage.ann, Sample(20, 50))
    for somebody in (stage.starter, stranger):
        with pytest.raises(Refused):
            shadows.start(good, stage.bot, somebody, Sample(20, 50))
    assert not Shadow.objects.exists()

    shadow = shadows.start(good, stage.bot, stage.ann, Sample(20, 50))

    assert (shadow.champion, shadow.candidate.artifact) == (stage.serving, good.artifact)
    assert (shadow.candidate.is_active, shadow.started_by) == (False, stage.ann)
    assert shadows.version_of(shadow) == good
    with pytest.raises(Refused) as refused:
        shadows.start(good, stage.bot, stage.ann, Sample(20, 50))
    assert refused.value.code == "already"
    assert AuditEntry.objects.filter(action="shadow.started").count() == 1


def test_it_is_stopped_by_who_may_and_a_promotion_ends_it(stage: Stage) -> None:
    shadow = started(stage)
    with pytest.raises(Refused):
        shadows.stop(shadow, person("stranger", stage.bot, "promote_modelversion"))
    assert shadows.stop(shadow, stage.ann)
    assert not shadows.stop(shadow, stage.ann)
    second = started(stage)
    promoting.promote(stage.candidate(knowing(37)), stage.bot, stage.ann)
    second.refresh_from_db()
    assert second.reason == "outdated"


def test_nobody_goes_back_to_what_answered_unseen(stage: Stage) -> None:
    shadow = started(stage)
    shadows.stop(shadow, stage.ann)
    with pytest.raises(Refused) as refused:
        promoting.roll_back(stage.bot, stage.ann, to=shadow.candidate)
    assert refused.value.code == "nothing_before"


# Votes


def test_a_person_votes_once_and_not_on_what_says_the_same(pair: ShadowAnswer) -> None:
    vera = voter(pair)
    shadows.vote(pair, Choice.CANDIDATE, vera)
    with pytest.raises(Refused) as refused:
        shadows.vote(pair, Choice.CHAMPION, vera)
    assert refused.value.code == "voted"
    same = ShadowAnswerFactory.create(shadow=pair.shadow, same_meaning=True)
    with pytest.raises(Refused):
        shadows.vote(same, Choice.BOTH, vera)
    with pytest.raises(Refused):
        shadows.vote(pair, Choice.BOTH, person("stranger", pair.shadow.bot, "add_shadowvote"))
    assert AuditEntry.objects.filter(action="shadow.voted").count() == 1


def test_what_nobody_has_voted_on_comes_first_and_nothing_twice(pair: ShadowAnswer) -> None:
    other = ShadowAnswerFactory.create(shadow=pair.shadow)
    ShadowAnswerFactory.create(shadow=pair.shadow, same_meaning=True)
    vera, otto = voter(pair), voter(pair, "otto")
    assert shadows.next_for(pair.shadow, vera) == pair
    shadows.vote(pair, Choice.NEITHER, vera)
    assert shadows.next_for(pair.shadow, vera) == other
    assert shadows.next_for(pair.shadow, otto) == other
    shadows.vote(other, Choice.BOTH, vera)
    assert shadows.next_for(pair.shadow, vera) is None


@pytest.mark.parametrize(
    ("choice", "text"), [(Choice.CANDIDATE, "In a week."), (Choice.CHAMPION, "In two days.")]
)
def test_the_right_answer_is_asked_of_every_model(
    pair: ShadowAnswer, choice: Choice, text: str
) -> None:
    shadows.vote(pair, choice, voter(pair))
    [case] = voted_cases.cases(pair.shadow.bot)
    assert (case.row.answer, case.row.hands_over) == (text, False)
    assert case.row.question == "Where is my parcel?"


def test_both_and_neither_name_no_right_answer(pair: ShadowAnswer) -> None:
    shadows.vote(pair, Choice.BOTH, voter(pair))
    assert voted_cases.cases(pair.shadow.bot) == []
    shadows.vote(pair, Choice.CANDIDATE, voter(pair, "otto"))
    assert len(voted_cases.cases(pair.shadow.bot)) == 1


def test_while_people_disagree_there_is_no_right_answer(pair: ShadowAnswer) -> None:
    shadows.vote(pair, Choice.CANDIDATE, voter(pair))
    shadows.vote(pair, Choice.CHAMPION, voter(pair, "otto"))
    assert not VotedCase.objects.exists()


def test_offering_a_person_may_be_what_is_right(pair: ShadowAnswer) -> None:
    ShadowAnswer.objects.filter(pk=pair.pk).update(source="notice", text="", code="unsure")
    pair.refresh_from_db()
    shadows.vote(pair, Choice.CANDIDATE, voter(pair))
    [case] = voted_cases.cases(pair.shadow.bot)
    assert case.row.hands_over
    assert case.row.answer


def test_it_is_masked_and_moderated_by_the_rules_for_training_data(pair: ShadowAnswer) -> None:
    Message.objects.filter(replies=pair.message).update(text="I am ann@example.com, and?")
    ShadowAnswer.objects.filter(pk=pair.pk).update(text="We write to ann@example.com.")
    pair.refresh_from_db()
    shadows.vote(pair, Choice.CANDIDATE, voter(pair))
    [case] = voted_cases.cases(pair.shadow.bot)
    assert "ann@example.com" not in str(case.row.messages)
    assert case.row.answer == "We write to [EMAIL_1]."


def test_what_training_data_must_not_hold_is_not_kept(pair: ShadowAnswer) -> None:
    Message.objects.filter(replies=pair.message).update(text="What a fucking shop!")
    shadows.vote(pair, Choice.CANDIDATE, voter(pair))
    assert not VotedCase.objects.exists()
    assert ShadowVote.objects.count() == 1


def test_a_correction_of_the_same_answer_counts_instead(pair: ShadowAnswer) -> None:
    shadows.vote(pair, Choice.CANDIDATE, voter(pair))
    Correction.objects.create(
        bot=pair.shadow.bot, locale="en", text="Tomorrow.", message=pair.message
    )
    assert voted_cases.cases(pair.shadow.bot) == []


def test_the_regression_suite_asks_it(pair: ShadowAnswer) -> None:
    from tests.training.evaluation.responses import response

    shadows.vote(pair, Choice.CANDIDATE, voter(pair))

    class Opened:
        unaided = staticmethod(lambda row: response("In a week."))

    suite = suites._regression(pair.shadow.bot, Opened())  # type: ignore[arg-type]
    total, run = suite["regression"]
    found = run(None, lambda: None)  # type: ignore[arg-type]
    assert (total, found["right"]) == (1, [str(VotedCase.objects.get().public_id)])


def test_it_goes_with_its_visitor_and_when_the_conversation_grows_old(pair: ShadowAnswer) -> None:
    shadows.vote(pair, Choice.CANDIDATE, voter(pair))
    other = ShadowAnswerFactory.create(shadow=pair.shadow)
    shadows.vote(other, Choice.CANDIDATE, voter(other, "otto"))
    visitor = pair.message.conversation.visitor
    assert erasing.preview(visitor).counts["training.votedcase"] == 1
    erasing.erase(visitor, by=None, reason=Erasure.Reason.ASKED)
    assert list(ShadowAnswer.objects.all()) == [other]
    assert [each.message for each in VotedCase.objects.all()] == [other.message]

    Bot.objects.update(retention_days=30)
    retention.apply(now=timezone.now() + timedelta(days=31))

    assert not ShadowAnswer.objects.exists()
    assert not VotedCase.objects.exists()
    # Votes name nobody; without their pairs nobody knows what they count.
    assert ShadowVote.objects.filter(shadow=pair.shadow).count() == 2
    assert shadows.votes_of(pair.shadow) == []


# What they say


def test_counts_and_waiting_are_those_of_the_same_questions(pair: ShadowAnswer) -> None:
    Message.objects.filter(pk=pair.message_id).update(timings={"answer": 0.4})
    shadow = pair.shadow
    ShadowAnswerFactory.create(shadow=shadow, same_meaning=True, source="curated", latency=9)
    ShadowAnswerFactory.create(shadow=shadow, same_meaning=None, status="failed", latency=None)
    ShadowAnswerFactory.create(shadow=shadow, same_meaning=None, status="pending", latency=None)
    found = shadows.counts(shadow)
    assert (found.asked, found.same, found.different, found.failed) == (3, 1, 1, 1)
    assert (found.waiting, found.left) == (1, 1)
    assert (found.latency, found.live_latency) == ((0.2, 0.2), (0.4, 0.4))
    assert shadows.counts(ShadowFactory.create()).latency is None


def test_a_pair_counts_once_however_many_vote_on_it(pair: ShadowAnswer) -> None:
    shadow, people = pair.shadow, [voter(pair, f"v{number}") for number in range(6)]
    for somebody in people:
        shadows.vote(pair, Choice.CANDIDATE, somebody)
    found = votes.standing(votes.tally(shadows.votes_of(shadow)))
    assert (found.share, found.p_value, found.is_decided) == (1.0, 1.0, False)

    said = (
        (Choice.CHAMPION, Choice.CANDIDATE, Choice.CHAMPION),
        (Choice.BOTH, Choice.CANDIDATE, Choice.BOTH),
        (Choice.CANDIDATE, Choice.CHAMPION),
        (Choice.NEITHER,),
    )
    for choices in said:
        other = ShadowAnswerFactory.create(shadow=shadow)
        for somebody, choice in zip(people, choices, strict=False):
            shadows.vote(other, choice, somebody)
    assert votes.tally(shadows.votes_of(shadow)) == Tally(
        wins=1, losses=1, both=1, neither=1, split=1
    )


def test_the_interval_of_the_votes_is_exact() -> None:
    """Against the closed form for all wins, and a published pair (8 of 10: 0.444 to 0.975)."""
    all_won = votes.standing(Tally(10, 0, 3, 4, 2))
    assert (all_won.share, all_won.high) == (1.0, 1.0)
    assert all_won.low == pytest.approx(math.pow(0.025, 1 / 10))
    assert all_won.p_value == pytest.approx(2 / 2**10)
    assert all_won.is_decided
    some = votes.standing(Tally(8, 2, 0, 0, 0))
    assert some.low == pytest.approx(0.4439, abs=1e-4)
    assert some.high == pytest.approx(0.9748, abs=1e-4)
    assert not some.is_decided
    assert votes.standing(Tally(0, 0, 5, 5, 1)).share is None


def test_commands_start_it_say_where_it_stands_and_stop_it(stage: Stage) -> None:
    version = stage.candidate(knowing(36))
    name = f"{version.name}:{version.number}"

    def said(*words: str) -> str:
        out = StringIO()
        call_command("shadow", *words, stdout=out)
        return out.getvalue()

    with pytest.raises(CommandError, match="No model"):
        said("status", "shop")
    with pytest.raises(CommandError, match="1 to 100"):
        said("start", "shop", name, "--by", "ann", "--share", "0")
    with pytest.raises(CommandError, match="You started"):
        said("start", "shop", name, "--by", "starter")
    assert "20 % of the questions unseen" in said("start", "shop", name, "--by", "ann")
    shadow = Shadow.objects.get()
    answer = ShadowAnswerFactory.create(shadow=shadow)
    shadows.vote(answer, Choice.CANDIDATE, voter(answer))
    status = said("status", "shop")
    assert "asked 1: 0 say the same, 1 differ, 0 failed; 0 wait for a vote" in status
    assert "1 for the candidate, 0 for what serves" in status
    assert "right more often in 100% of the pairs" in status
    said("stop", "shop", "--by", "ann")
    assert "stopped by somebody" in said("status", "shop")


def test_a_vote_on_a_dialogue_keeps_what_was_said_before(pair: ShadowAnswer) -> None:
    first = pair.message.conversation.messages.order_by("seq")[0]
    MessageFactory(conversation=pair.message.conversation, text="And later?")
    shadows.vote(pair, Choice.CANDIDATE, voter(pair))
    [case] = voted_cases.cases(pair.shadow.bot)
    assert [each["content"] for each in case.row.messages] == [first.text, "In a week."]
