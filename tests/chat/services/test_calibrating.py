"""Calibration on a bot's own knowledge: honest about what it would serve wrongly."""

from collections.abc import Sequence
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from chat import demo, deployments
from chat.knowledge.confidence import Evidence
from chat.knowledge.embedding import Embedder, EmbedderSpec, open_embedder
from chat.models import Bot, Calibration
from chat.services import calibrating, knowledge
from chat.services.calibrating import NotEnough
from chat.trials import is_alike, trials
from tests.factories import BotFactory, DeploymentFactory, approve

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return open_embedder(EmbedderSpec("e5"))


@pytest.fixture
def bot() -> Bot:
    bot: Bot = DeploymentFactory().bot
    knowledge.save_all(bot, "en", demo.knowledge("en")[:12], author=None)
    return bot


def test_thresholds_keep_to_the_wrong_answers_allowed(bot: Bot, embedder: Embedder) -> None:
    unanswered = demo.unanswered("en")[:10]
    made = calibrating.calibrate_matching(
        bot, "en", embedder, unanswered=unanswered, false_hits=0.01
    )
    assert made.precision is not None
    assert made.recall is not None
    assert made.precision >= 0.99
    assert made.recall > 0.1
    assert made.samples == sum(len(d.questions) for d in demo.knowledge("en")[:12]) + 10
    assert made.curve


def test_no_wording_is_asked_of_an_index_that_has_it(bot: Bot, embedder: Embedder) -> None:
    found = calibrating.held_out(bot, "en", embedder, [])
    assert all(each.question != each.candidates[0].question for each in found)


def test_with_too_little_knowledge_nothing_is_chosen(embedder: Embedder) -> None:
    bot = BotFactory()
    approve(bot, "How long?", text="Two days.")
    with pytest.raises(NotEnough):
        calibrating.calibrate_matching(bot, "en", embedder, unanswered=[], false_hits=0.01)


@pytest.mark.parametrize("judged", [[True] * 5 + [False] * 5, [False] * 10])
def test_confidence_is_kept_for_the_model_that_was_judged(
    bot: Bot, embedder: Embedder, judged: Sequence[bool]
) -> None:
    deployment = bot.deployments.get()
    evidence = [Evidence(0.9, 1.0, 0.1 * n) for n in range(10)]
    made = calibrating.calibrate_confidence(
        deployment, "en", embedder, evidence=evidence, is_right=judged
    )
    assert made.deployment == deployment
    assert sum(point["count"] for point in made.curve) == 10


def test_an_answer_is_right_when_it_says_nearly_the_same() -> None:
    approved = "Delivery takes 2 to 4 working days within the EU."
    assert is_alike("delivery takes 2 to 4 working days within the EU", approved)
    assert is_alike(f"Sure! {approved} Anything else?", approved)
    assert not is_alike("I do not know. Would you like to talk to a person?", approved)


def test_trials_are_all_wordings_and_what_nothing_answers(bot: Bot) -> None:
    chosen = trials(bot, "en", ["Capital of Peru?"])
    assert len(chosen) == 1 + sum(len(d.questions) for d in demo.knowledge("en")[:12])
    assert chosen[-1].answer is None


def test_the_commands_say_what_came_of_it(bot: Bot) -> None:
    out = StringIO()
    call_command("calibrate_matching", bot=bot.slug, locale="en", stdout=out)
    call_command("calibrate_confidence", bot=bot.slug, locale="en", questions=5, stdout=out)
    assert "served" in out.getvalue()
    assert "0 of 5 answers were right" in out.getvalue()
    assert set(Calibration.objects.values_list("purpose", flat=True)) == {"match", "confidence"}


@pytest.mark.parametrize("style", ["number", "questions"])
def test_a_model_that_names_answers_is_not_judged_by_its_words(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, style: str
) -> None:
    monkeypatch.setattr(deployments, "style_of", lambda spec: style)
    with pytest.raises(CommandError, match="names approved answers"):
        call_command("calibrate_confidence", bot=bot.slug, locale="en", questions=5)
    assert not Calibration.objects.exists()


@pytest.mark.parametrize("command", ["calibrate_matching", "calibrate_confidence", "warm_cache"])
def test_a_bot_that_does_not_exist_is_named(command: str) -> None:
    with pytest.raises(CommandError, match="'nobody'"):
        call_command(command, bot="nobody")
