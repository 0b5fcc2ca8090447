"""What is evaluated is what customers get."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chat.inference.engine import ChatMessage
from chat.knowledge.confidence import FEATURES
from chat.knowledge.questions import normalized
from chat.models import Bot, CuratedAnswer, Deployment, Dispute
from chat.services import deploying
from chat.services.deploying import Model
from tests.chat.scripted import ScriptedEngine, saying
from tests.factories import BotFactory, MessageFactory, ModelVersionFactory, approve
from tests.training.rows import dialogue, pair
from training.evaluation.overhearing import Overheard
from training.services import responders
from training.services.responders import FEWEST_JUDGED, AsServed, base_engine_or_none

pytestmark = pytest.mark.django_db

NEVER = {"intercept": -60.0, "weights": [0.0] * FEATURES}


@pytest.fixture(autouse=True)
def _small_embedder(settings: Any) -> None:
    settings.CHAT_EMBEDDER = "ngrams"


@pytest.fixture
def bot() -> Bot:
    bot = BotFactory(unsure_answers="show")
    approve(bot, "How long does delivery take?", text="Three days.")
    approve(bot, "Can I send a lamp back?", text="Within 30 days.")
    return bot


def test_a_known_wording_needs_no_model(bot: Bot) -> None:
    engine = ScriptedEngine(saying("never"))
    found = AsServed(bot, engine).respond(pair("how long does delivery take"))
    assert (found.text, found.source, found.hands_over, found.tokens) == (
        "Three days.", "curated", False, 0,
    )  # fmt: skip
    assert engine.prompts == []


def test_what_a_customer_disputes_is_not_served_here_either(bot: Bot) -> None:
    asked = "How long does delivery take?"
    answer = CuratedAnswer.objects.get(text="Three days.")
    message = MessageFactory(conversation__bot=bot, text=asked)
    Dispute.objects.create(
        bot=bot, answer=answer, message=message, locale="en", question=asked,
        normalized=normalized(asked), shown=answer.text,
    )  # fmt: skip
    found = AsServed(bot, ScriptedEngine(saying("Let me see."))).respond(pair(asked))
    assert (found.text, found.source) == ("Let me see.", "model")


def test_the_model_reads_what_is_near_and_writes(bot: Bot) -> None:
    engine = ScriptedEngine(saying("About ", "three days."))
    found = AsServed(bot, engine).respond(pair("how long does the delivery of a sofa take?"))
    assert (found.text, found.source, found.tokens) == ("About three days.", "model", 2)
    assert "Three days." in engine.prompts[0][0]["content"]
    assert found.confidence is not None
    assert found.seconds > 0


def test_earlier_turns_are_read_and_the_answer_is_not(bot: Bot) -> None:
    engine = ScriptedEngine(saying("Yes."))
    AsServed(bot, engine).respond(dialogue("How long does delivery take?", "And what about it?"))
    turns = [each["content"] for each in engine.prompts[0][1:]]
    assert turns == ["How long does delivery take?", "Yes.", "And what about it?"]


def test_a_person_is_offered_where_the_model_is_not_likely_right(bot: Bot) -> None:
    bot.unsure_answers, bot.confidence_threshold = "offer", 1.0
    engine = ScriptedEngine(saying("About three days."))
    found = AsServed(bot, engine).respond(pair("how long does the delivery of a sofa take?"))
    assert found.hands_over
    assert found.source == "notice"
    assert "person" in found.text
    assert "Three days." in found.offered


def numbers(bot: Bot, reply: str) -> tuple[AsServed, ScriptedEngine]:
    engine = ScriptedEngine(saying(reply))
    return AsServed(bot, engine, "number"), engine


def test_a_model_that_names_a_number_says_that_approved_answer(bot: Bot) -> None:
    responder, engine = numbers(bot, "1")
    found = responder.respond(pair("how long does the delivery of a sofa take?"))
    assert (found.text, found.source, found.hands_over) == ("Three days.", "model", False)
    assert engine.prompts[0][-1]["content"].startswith("how long does the delivery of a sofa take?")


@pytest.mark.parametrize("reply", ["0", "9", "Three days."])
def test_a_model_that_names_nobody_offers_a_person(bot: Bot, reply: str) -> None:
    responder, _ = numbers(bot, reply)
    found = responder.respond(pair("how long does the delivery of a sofa take?"))
    assert (found.source, found.hands_over) == ("notice", True)


def test_without_anything_near_no_number_is_asked_for() -> None:
    responder, engine = numbers(BotFactory(), "1")
    assert responder.respond(pair("How long?")).hands_over
    assert engine.prompts == []


def test_what_the_model_wrote_is_overheard(bot: Bot) -> None:
    def script(messages: list[ChatMessage]) -> Iterator[str]:
        yield from ("One ", "two")

    heard = Overheard(ScriptedEngine(script))
    heard.count_tokens([])
    stream = heard.stream("a", [], None)  # type: ignore[arg-type]  # the script asks for none
    assert next(stream) == "One "
    stream.close()  # type: ignore[attr-defined]
    assert heard.texts == ["One "]
    heard.cancel("a")
    heard.close()


@pytest.fixture
def never_sure(bot: Bot) -> Deployment:
    """What serves is never sure of itself, in any language."""
    deployment = deploying.deploy(
        bot,
        Model("shop-v1-int4", confidence=dict.fromkeys(["en", "zh-hans"], NEVER)),
        replacing=None,
    )
    assert deployment.is_active
    return deployment


@pytest.fixture
def opened_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any artifact is one that writes."""

    @contextmanager
    def engine_of(artifact: Path) -> Iterator[ScriptedEngine]:
        yield ScriptedEngine(saying("About three days."))

    manifest = SimpleNamespace(facts=SimpleNamespace(style="words"))
    monkeypatch.setattr(responders, "read_manifest", lambda artifact: manifest)
    monkeypatch.setattr(responders, "engine_of", engine_of)


@pytest.mark.usefixtures("never_sure")
def test_a_language_with_few_questions_has_the_weights_that_will_be_served(bot: Bot) -> None:
    asked = "how long does the delivery of a sofa take?"
    responder = AsServed(bot, ScriptedEngine(saying("About three days.")))
    rows = [
        pair(f"第{n}个包裹的派送要多久?", locale="zh-hans", answer="About three days.")
        for n in range(FEWEST_JUDGED)
    ]
    approve(bot, "包裹派送需要多长时间?", text="三天。", locale="zh-hans")

    learned = responder.calibrate([*rows, pair(asked)])

    assert list(learned) == ["zh-hans"]
    # Not those of what serves, which would say 0.
    assert (responder.respond(pair(asked)).confidence or 0.0) > 0.01


@pytest.mark.usefixtures("opened_engine")
def test_only_what_serves_has_the_weights_in_force(
    bot: Bot, never_sure: Deployment, settings: Any
) -> None:
    sure = {}
    for name in (never_sure.artifact, "shop-v2-int4"):
        with responders.opening(bot)(settings.MODELS_DIR / "serving" / name) as opened:
            found = opened.responder.respond(pair("how long does the delivery of a sofa take?"))
            sure[name] = found.confidence or 0.0
    assert sure["shop-v1-int4"] < 0.001
    assert sure["shop-v2-int4"] > 0.01


@pytest.mark.usefixtures("opened_engine")
@pytest.mark.parametrize("named", ["in_use", "", "another"])
def test_weights_are_for_the_encoder_that_they_were_learned_with(
    bot: Bot, named: str, tmp_path: Path
) -> None:
    name = responders.embedder_in_use() if named == "in_use" else named
    version = ModelVersionFactory.build(confidence={"en": {**NEVER, "embedder": name}})
    with responders.opening(bot, version=version)(tmp_path) as opened:
        found = opened.responder.respond(pair("how long does the delivery of a sofa take?"))
    assert opened.embedder == responders.embedder_in_use()
    assert ((found.confidence or 0.0) > 0.01) is (named == "another")


def test_a_base_that_is_not_exported_is_none(settings: Any, tmp_path: Any) -> None:
    settings.MODELS_DIR = tmp_path
    with base_engine_or_none("tiny") as engine:
        assert engine is None
