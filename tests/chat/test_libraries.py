"""What a bot knows, in memory: built once, renewed when something changed, never mixed."""

import time
from collections.abc import Sequence

import numpy as np
import pytest

from chat.knowledge.confidence import DEFAULT_WEIGHTS, FEATURES
from chat.knowledge.embedding import EmbeddingError, Vectors
from chat.knowledge.matching import Kind
from chat.knowledge.ngrams_embedder import NgramsEmbedder
from chat.libraries import LibraryShelf, Query, build, thresholds_for, weights_for
from chat.models import Bot, Calibration, CuratedAnswer, QuestionVector
from chat.services import knowledge
from chat.services.knowledge import Draft
from tests.factories import BotFactory, DeploymentFactory, approve

pytestmark = pytest.mark.django_db(transaction=True)

QUESTIONS = ("How long is delivery?", "When will it arrive?", "How many days does it take?")


class CountingEmbedder(NgramsEmbedder):
    """Remembers what it was asked; may be told to fail."""

    def __init__(self, name: str = "counting") -> None:
        self.name = name
        self.asked: list[str] = []
        self.fails = False

    def embed(self, questions: Sequence[str]) -> Vectors:
        if self.fails:
            raise EmbeddingError("told to")
        self.asked += questions
        return super().embed(questions)


@pytest.fixture
def bot(transactional_db: None) -> Bot:
    bot: Bot = DeploymentFactory().bot
    approve(bot, *QUESTIONS, text="Two days.")
    bot.refresh_from_db()
    return bot


def query(bot: Bot, question: str) -> Query:
    return Query(question, bot.knowledge_version)


def test_only_what_is_new_is_embedded(bot: Bot) -> None:
    first, second = CountingEmbedder(), CountingEmbedder()
    build(bot, "en", first)
    approve(bot, "Where is the shop?", text="In Hamburg.")
    build(bot, "en", second)

    assert set(first.asked) == {*QUESTIONS, "Two days."}
    assert set(second.asked) == {"Where is the shop?", "In Hamburg."}


def test_vectors_of_two_embedders_never_meet(bot: Bot) -> None:
    build(bot, "en", CountingEmbedder("one"))
    other = CountingEmbedder("two")
    library = build(bot, "en", other)

    assert set(other.asked) == {*QUESTIONS, "Two days."}
    assert library.index.embedder == "two"
    assert set(QuestionVector.objects.values_list("embedder", flat=True)) == {"one", "two"}


def test_other_languages_bots_and_what_is_off_stay_out(bot: Bot) -> None:
    approve(bot, "多久能到？", text="两天。", locale="zh-hans")
    approve(BotFactory(), "A stranger's question?", text="No.")
    approve(bot, "Is it off?", text="Yes.", is_active=False)
    assert len(build(bot, "en", CountingEmbedder()).index) == len(QUESTIONS)
    assert len(build(bot, "zh-hans", CountingEmbedder()).index) == 1


def test_a_change_is_noticed_and_meanwhile_nothing_is_served_by_meaning(bot: Bot) -> None:
    Calibration.objects.create(
        bot=bot,
        purpose="match",
        embedder="counting",
        locale="en",
        values={"direct": 0.9, "rank": 0.5, "margin": 0.0, "near": 0.1},
    )
    shelf = LibraryShelf(CountingEmbedder())
    library = shelf.library(bot, "en")
    assert shelf.search(library, query(bot, QUESTIONS[0])).kind is Kind.SEMANTIC

    approve(bot, "Where is the shop?", text="In Hamburg.")
    bot.refresh_from_db()
    stale = shelf.search(library, query(bot, QUESTIONS[0]))
    assert (stale.answer, stale.objection) == (None, "outdated")
    assert stale.near

    for _ in range(100):
        if len(shelf.library(bot, "en").index) == len(QUESTIONS) + 1:
            break
        time.sleep(0.05)
    assert len(shelf.library(bot, "en").index) == len(QUESTIONS) + 1


def test_when_renewing_fails_the_old_one_goes_on(bot: Bot) -> None:
    embedder = CountingEmbedder()
    shelf = LibraryShelf(embedder)
    library = shelf.library(bot, "en")
    embedder.fails = True
    approve(bot, "Where is the shop?", text="In Hamburg.")
    bot.refresh_from_db()

    assert shelf.library(bot, "en") is library
    with pytest.raises(EmbeddingError):
        shelf.search(library, query(bot, "?"))


def test_a_question_that_leans_is_looked_up_with_the_one_before(bot: Bot) -> None:
    embedder = CountingEmbedder()
    shelf = LibraryShelf(embedder)
    library = shelf.library(bot, "en")
    shelf.search(library, Query("And to Norway?", 1, leans=True, before=QUESTIONS[0]))
    assert embedder.asked[-1] == f"{QUESTIONS[0]} And to Norway?"


def test_the_bots_own_thresholds_count_before_those_for_all(bot: Bot) -> None:
    values = {"direct": 0.9, "rank": 1.0, "margin": 0.1, "near": 0.2}
    common = {"purpose": "match", "embedder": "e", "locale": "en"}
    Calibration.objects.create(bot=bot, values={**values, "rank": 0.7}, **common)
    Calibration.objects.create(bot=None, values=values, **common)
    assert thresholds_for(bot, "en", "e").rank == 0.7
    assert thresholds_for(BotFactory(), "en", "e").rank == 1.0
    assert thresholds_for(bot, "zh-hans", "e").rank > 1.0


def test_confidence_belongs_to_the_model_that_was_judged(bot: Bot) -> None:
    Calibration.objects.create(
        bot=bot,
        deployment=bot.deployments.get(),
        purpose="confidence",
        embedder="",
        locale="en",
        values={"intercept": -3.0, "weights": [0] * FEATURES},
    )
    assert weights_for(bot, "en", "e").intercept == -3.0
    bot.deployments.update(is_active=False)
    DeploymentFactory(bot=bot)
    assert weights_for(bot, "en", "e").intercept != -3.0


def test_weights_of_other_evidence_are_not_used(bot: Bot) -> None:
    Calibration.objects.create(
        bot=bot,
        deployment=bot.deployments.get(),
        purpose="confidence",
        embedder="",
        locale="en",
        values={"intercept": -3.0, "weights": [0] * (FEATURES - 1)},
    )
    assert weights_for(bot, "en", "e") == DEFAULT_WEIGHTS


def test_vectors_come_back_as_they_were_stored(bot: Bot) -> None:
    embedder = CountingEmbedder()
    first = build(bot, "en", embedder).index.nearest(embedder.embed(QUESTIONS[:1])[0], 1)[0]
    again = build(bot, "en", embedder).index.nearest(embedder.embed(QUESTIONS[:1])[0], 1)[0]
    assert np.isclose(first.score, 1.0, atol=1e-5)
    assert first == again


def test_switching_an_answer_off_raises_the_version_and_keeps_the_revision(bot: Bot) -> None:
    answer = CuratedAnswer.objects.get()
    before = bot.knowledge_version
    assert knowledge.switch([answer], active=False, author=None) == 1
    bot.refresh_from_db()
    assert bot.knowledge_version == before + 1
    assert [each.is_active for each in answer.revisions.order_by("number")] == [True, False]


def test_saving_what_is_there_already_makes_no_version(bot: Bot) -> None:
    answer = CuratedAnswer.objects.get()
    knowledge.save(bot, "en", Draft(QUESTIONS, "Two days."), author=None, answer=answer)
    answer.refresh_from_db()
    assert answer.revision == 1
    knowledge.save(bot, "en", Draft(QUESTIONS[:2], "Two days."), author=None, answer=answer)
    restored = knowledge.restore(answer.revisions.get(number=1), author=None)
    assert (restored.revision, restored.variants.count()) == (3, 3)
