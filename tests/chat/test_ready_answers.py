"""Approved answers and cached ones: served when they are right for the question, and to nobody else."""

from datetime import timedelta

import pytest
import redis
from channels.db import database_sync_to_async as in_thread
from django.conf import settings
from django.utils import timezone

from chat.models import Bot, Conversation, CuratedAnswer, Dispute, Message
from chat.services import conversations, disputes, knowledge
from chat.services.knowledge import Draft
from tests.chat.scripted import ScriptedEngine, ask, running, saying, settled
from tests.factories import (
    ConversationFactory,
    DeploymentFactory,
    MessageFactory,
    UserFactory,
    VisitorFactory,
    approve,
)

pytestmark = pytest.mark.django_db(transaction=True)

QUESTIONS = (
    "How long does delivery take?",
    "How many days until my order arrives?",
    "When will my parcel be here?",
    "What is the usual shipping time?",
)


@pytest.fixture
def bot(transactional_db: None) -> Bot:
    bot: Bot = DeploymentFactory().bot
    return bot


@pytest.fixture
def delivery(bot: Bot) -> CuratedAnswer:
    approve(
        bot,
        "How can I pay?",
        "Which payment methods are there?",
        "Do you take PayPal?",
        "Can I pay by card?",
        text="By card or PayPal.",
    )
    return approve(bot, *QUESTIONS, text="Two to four days.")


def chat(bot: Bot, **fields: str) -> Conversation:
    return ConversationFactory(visitor=VisitorFactory(bot=bot), **fields)


def answer_at_once(conversation: Conversation, text: str) -> Message:
    """What stands under the question in the moment in which it is stored."""
    posted = conversations.post_message(conversation, text=text)
    reply: Message = posted.message.replies.latest("seq")
    return reply


def answer_afresh(bot: Bot, text: str) -> Message:
    """The same in a conversation of somebody new."""
    return answer_at_once(chat(bot), text)


def test_an_approved_question_is_answered_in_the_same_moment(
    bot: Bot, delivery: CuratedAnswer
) -> None:
    reply = answer_at_once(chat(bot), "how LONG does delivery take")

    assert (reply.status, reply.source, reply.text) == ("sent", "curated", "Two to four days.")
    assert reply.curated_answer == delivery
    assert reply.match["kind"] == "exact"
    assert reply.match["near"][0]["revision"] == 1


def test_other_bots_and_languages_know_nothing_of_it(bot: Bot, delivery: CuratedAnswer) -> None:
    assert answer_at_once(chat(DeploymentFactory().bot), QUESTIONS[0]).status == "pending"
    approve(bot, "多久能到？", text="两到四天。", locale="zh-hans")
    assert answer_at_once(chat(bot, locale="zh-hans"), "多久能到").text == "两到四天。"
    assert answer_at_once(chat(bot), "多久能到").text == "两到四天。"


@pytest.mark.parametrize(
    "fields",
    [
        {"is_active": False},
        {"valid_from": timezone.now() + timedelta(hours=1)},
        {"valid_until": timezone.now() - timedelta(hours=1)},
    ],
)
def test_what_is_not_in_force_is_not_served(
    bot: Bot, delivery: CuratedAnswer, fields: dict[str, object]
) -> None:
    CuratedAnswer.objects.update(**fields)
    assert answer_at_once(chat(bot), QUESTIONS[0]).status == "pending"


def test_two_answers_to_one_question_are_none(bot: Bot, delivery: CuratedAnswer) -> None:
    approve(bot, QUESTIONS[0], text="Six weeks.")
    assert answer_at_once(chat(bot), QUESTIONS[0]).status == "pending"


def test_a_changed_answer_counts_from_the_next_question_on(
    bot: Bot, delivery: CuratedAnswer
) -> None:
    knowledge.save(bot, "en", Draft(QUESTIONS, "One day."), author=None, answer=delivery)
    reply = answer_at_once(chat(bot), QUESTIONS[0])
    assert reply.text == "One day."
    assert reply.match["near"][0]["revision"] == 2


def test_an_approved_answer_is_moderated_like_everything_else(bot: Bot) -> None:
    approve(bot, "What may I say?", text="You filthy cunt.")
    reply = answer_at_once(chat(bot), "What may I say?")
    assert "cunt" not in reply.text


async def test_another_wording_gets_the_approved_answer_by_its_meaning(
    bot: Bot, delivery: CuratedAnswer
) -> None:
    engine = ScriptedEngine(saying("I made this up."))
    async with running(engine):
        reply = await settled(await ask(await in_thread(chat)(bot), "How long will delivery take"))
    assert (reply.source, reply.text) == ("curated", "Two to four days.")
    assert reply.match["kind"] == "semantic"
    assert engine.prompts == []


OPPOSITE = "Why does delivery not take long?"


async def test_an_answer_that_may_be_wrong_is_not_shown_and_similar_questions_are(
    bot: Bot, delivery: CuratedAnswer
) -> None:
    engine = ScriptedEngine(saying("Because it is fast."))
    async with running(engine):
        reply = await settled(await ask(await in_thread(chat)(bot), OPPOSITE))
    assert (reply.source, reply.code) == ("notice", "unsure")
    assert QUESTIONS[0] in reply.suggestions
    # Nothing that it could say would have been sure enough.
    assert engine.prompts == []


async def test_what_is_far_from_all_that_is_known_is_said_to_be_unknown(
    bot: Bot, delivery: CuratedAnswer
) -> None:
    async with running(ScriptedEngine(saying("Lima."))):
        reply = await settled(
            await ask(await in_thread(chat)(bot), "Capital of Peru and its exports?")
        )
    assert (reply.source, reply.code, reply.suggestions) == ("notice", "unanswered", [])
    assert "Lima" not in reply.text


async def test_the_opposite_question_is_left_to_the_model_with_what_is_known(
    bot: Bot, delivery: CuratedAnswer
) -> None:
    await in_thread(Bot.objects.update)(unsure_answers="show")
    engine = ScriptedEngine(saying("Because it is fast."))
    async with running(engine):
        reply = await settled(await ask(await in_thread(chat)(bot), OPPOSITE))
    assert reply.source == "model"
    assert "Two to four days." in engine.prompts[0][0]["content"]
    assert reply.match["near"][0]["answer"] == delivery.pk
    assert reply.code == "unsure"
    assert QUESTIONS[0] in reply.suggestions


async def test_what_leans_on_the_question_before_is_left_to_the_model(
    bot: Bot, delivery: CuratedAnswer
) -> None:
    engine = ScriptedEngine(saying("To Norway it takes longer."))
    conversation = await in_thread(chat)(bot)
    async with running(engine):
        await settled(await ask(conversation, QUESTIONS[0]))
        reply = await settled(await ask(conversation, "And when will it be there?"))
    assert reply.source == "model"


async def test_a_bot_that_knows_nothing_is_told_nothing(bot: Bot) -> None:
    engine = ScriptedEngine(saying("Hello."))
    async with running(engine):
        reply = await settled(await ask(await in_thread(chat)(bot), "Hi"))
    assert engine.prompts[0][0]["content"] == "Be brief."
    assert (reply.confidence, reply.suggestions) == (None, [])


async def test_what_many_ask_is_generated_twice_and_then_kept(bot: Bot) -> None:
    engine = ScriptedEngine(saying("Blue."))
    async with running(engine):
        for _ in range(2):
            reply = await settled(await ask(await in_thread(chat)(bot), "Which colour?"))
            assert reply.source == "model"
            # Not answered by what was shared a moment ago.
            await in_thread(_forget_shared)()
    reply = await in_thread(answer_afresh)(bot, "which colour")
    assert (reply.source, reply.text) == ("cache", "Blue.")
    assert len(engine.prompts) == 2


async def test_a_visitor_cannot_plant_an_answer_alone(bot: Bot) -> None:
    visitor = await in_thread(VisitorFactory)(bot=bot)
    async with running(ScriptedEngine(saying("Blue."))):
        for _ in range(5):
            conversation = await in_thread(ConversationFactory)(visitor=visitor)
            await settled(await ask(conversation, "Which colour?"))
            await in_thread(_forget_shared)()
    assert (await in_thread(answer_afresh)(bot, "Which colour?")).status == "pending"


@pytest.mark.parametrize("said", ["Call +49 30 901820 now.", "Blue."])
async def test_nothing_personal_and_nothing_after_the_first_turn_is_kept(
    bot: Bot, said: str
) -> None:
    question = "Which colour?" if "Call" in said else "My mail is jo@example.org. Which colour?"
    async with running(ScriptedEngine(saying(said))):
        for _ in range(3):
            conversation = await in_thread(chat)(bot)
            await settled(await ask(conversation, question))
            await settled(await ask(conversation, "Which size?"))
    assert (await in_thread(answer_afresh)(bot, question)).status == "pending"
    assert (await in_thread(answer_afresh)(bot, "Which size?")).status == "pending"


async def test_a_change_of_what_an_answer_depends_on_forgets_it(bot: Bot) -> None:
    async with running(ScriptedEngine(saying("Blue."))):
        for _ in range(2):
            await settled(await ask(await in_thread(chat)(bot), "Which colour?"))
            await in_thread(_forget_shared)()
    await in_thread(approve)(bot, "Something else?", text="Yes.")
    assert (await in_thread(answer_afresh)(bot, "Which colour?")).status == "pending"


async def test_a_hundred_customers_with_one_new_question_cost_one_generation(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine a hundred take longer to ask than an answer is handed out.
    monkeypatch.setattr("chat.answer_cache.SHARED_SECONDS", 120)
    engine = ScriptedEngine(saying("Blue."))
    async with running(engine, seats=8):
        asked = [await ask(await in_thread(chat)(bot), "Which colour is new?") for _ in range(100)]
        answers = [await settled(reply, 30) for reply in asked]
    assert {reply.text for reply in answers} == {"Blue."}
    assert len(engine.prompts) == 1


async def test_without_valkey_everything_is_simply_answered(
    bot: Bot, delivery: CuratedAnswer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await in_thread(Bot.objects.update)(unsure_answers="show")
    monkeypatch.setattr(settings, "VALKEY_URL", "redis://127.0.0.1:9/0")
    conversations._cache.cache_clear()
    async with running(ScriptedEngine(saying("Blue."))):
        reply = await settled(await ask(await in_thread(chat)(bot), "Which colour?"))
        ready = await in_thread(answer_afresh)(bot, QUESTIONS[0])
    conversations._cache.cache_clear()
    assert (reply.text, ready.text) == ("Blue.", "Two to four days.")


def reject(message: Message, *reasons: str) -> None:
    conversations.give_feedback(message, value="down", reasons=list(reasons), comment="")


def test_a_rejected_answer_is_out_of_service_for_this_wording_at_once(
    bot: Bot, delivery: CuratedAnswer
) -> None:
    reject(answer_at_once(chat(bot), QUESTIONS[0]))

    assert answer_at_once(chat(bot), QUESTIONS[0]).status == "pending"
    assert answer_at_once(chat(bot), QUESTIONS[1]).text == "Two to four days."
    dispute = Dispute.objects.get()
    assert (dispute.answer, dispute.question) == (delivery, QUESTIONS[0])


def test_not_my_question_makes_the_bot_try_again_by_itself(
    bot: Bot, delivery: CuratedAnswer
) -> None:
    conversation = chat(bot)
    first = answer_at_once(conversation, QUESTIONS[0])
    reject(first, "other_question")
    reject(first, "other_question")

    second = conversation.messages.get(seq=3)
    assert (second.status, second.reply_to) == ("pending", first.reply_to)
    assert conversation.messages.count() == 3


async def test_trying_again_never_gives_the_rejected_answer(
    bot: Bot, delivery: CuratedAnswer
) -> None:
    conversation = await in_thread(chat)(bot)
    async with running(ScriptedEngine(saying("Let me see."))):
        first = await in_thread(answer_at_once)(conversation, QUESTIONS[0])
        await in_thread(reject)(first, "other_question")
        second = await settled(await in_thread(conversation.messages.get)(seq=3))
    assert second.source == "model"


def test_people_decide_whether_it_comes_back(bot: Bot, delivery: CuratedAnswer) -> None:
    staff = UserFactory()
    reject(answer_at_once(chat(bot), QUESTIONS[0]))
    disputes.resolve(Dispute.objects.get(), resolution="served", by=staff)
    confirmed = answer_at_once(chat(bot), QUESTIONS[0])
    assert confirmed.source == "curated"

    # What a person confirmed, no visitor takes out again.
    reject(confirmed)
    assert answer_at_once(chat(bot), QUESTIONS[0]).source == "curated"

    disputes.resolve(Dispute.objects.earliest("pk"), resolution="separated", by=staff)
    assert answer_at_once(chat(bot), QUESTIONS[0]).status == "pending"


def test_thumbs_taken_back_before_a_decision_change_nothing(
    bot: Bot, delivery: CuratedAnswer
) -> None:
    reply = answer_at_once(chat(bot), QUESTIONS[0])
    reject(reply)
    conversations.give_feedback(reply, value="none", reasons=[], comment="")
    assert answer_at_once(chat(bot), QUESTIONS[0]).source == "curated"


async def test_a_bad_answer_of_the_model_is_forgotten_and_not_kept_again(bot: Bot) -> None:
    async with running(ScriptedEngine(saying("Blue."))):
        for _ in range(2):
            reply = await settled(await ask(await in_thread(chat)(bot), "Which colour?"))
            await in_thread(_forget_shared)()
    # An answer is kept a moment after it is sent: a runner that has ended has done so.
    kept = await in_thread(answer_afresh)(bot, "Which colour?")
    await in_thread(reject)(kept)
    async with running(ScriptedEngine(saying("Blue."))):
        for _ in range(2):
            reply = await settled(await ask(await in_thread(chat)(bot), "Which colour?"))
            assert reply.source == "model"
            await in_thread(_forget_shared)()
    assert (await in_thread(Dispute.objects.get)()).answer_id is None


def _forget_shared() -> None:
    with redis.Redis.from_url(settings.VALKEY_URL) as client:
        for name in client.scan_iter("csbot:cache:*shared*"):
            client.delete(name)


def test_in_a_closed_conversation_nothing_is_tried_again(bot: Bot, delivery: CuratedAnswer) -> None:
    conversation = chat(bot)
    reply = answer_at_once(conversation, QUESTIONS[0])
    Conversation.objects.update(status="closed")
    reject(reply, "other_question")
    assert conversation.messages.count() == 2


async def test_what_an_agent_said_before_makes_an_answer_personal(bot: Bot) -> None:
    def greeted() -> Conversation:
        conversation = chat(bot)
        MessageFactory(conversation=conversation, role="agent", text="Hello, it is the red one.")
        return conversation

    engine = ScriptedEngine(saying("Red."))
    async with running(engine):
        for _ in range(3):
            await settled(await ask(await in_thread(greeted)(), "Which colour?"))
    assert len(engine.prompts) == 3
    assert (await in_thread(answer_afresh)(bot, "Which colour?")).status == "pending"


@pytest.mark.parametrize("hidden", ["\U000e0073\U000e0061\U000e0079", "\u200b", "\u202e"])
async def test_what_only_a_model_reads_keeps_an_answer_from_others(bot: Bot, hidden: str) -> None:
    """One customer could otherwise have the model say something to the next one."""
    async with running(ScriptedEngine(saying("Planted."))):
        for _ in range(2):
            await settled(await ask(await in_thread(chat)(bot), f"Which colour?{hidden}"))
    # Neither kept nor shared with those who ask at the same time.
    engine = ScriptedEngine(saying("Blue."))
    async with running(engine):
        reply = await settled(await ask(await in_thread(chat)(bot), "Which colour?"))
    assert (reply.text, reply.source) == ("Blue.", "model")
