"""Moderation on the paths of a chat: what is blocked goes no further, what is masked stays masked."""

from collections.abc import Iterator

import pytest
from channels.db import database_sync_to_async

from chat.inference.engine import ChatMessage
from chat.models import Conversation, Message
from chat.services import conversations
from moderation.models import AuditEntry, ModerationCase, Original
from tests.chat.scripted import ScriptedEngine, ask, running, saying, settled
from tests.factories import ConversationFactory, DeploymentFactory, ReplyFactory

PHONE = "13812345678"


@pytest.fixture
def conversation(transactional_db: None) -> Conversation:
    return ConversationFactory(bot=DeploymentFactory().bot)


def test_a_blocked_question_gets_a_sentence_and_never_a_reply(conversation: Conversation) -> None:
    question = conversations.post_message(conversation, text=f"you faggot, {PHONE}").message

    assert (question.status, question.text) == ("withheld", "you ******, [PHONE_1]")
    (notice,) = Message.objects.filter(reply_to=question)
    assert (notice.role, notice.code, notice.status) == ("notice", "not_accepted", "sent")
    case = ModerationCase.objects.get()
    assert (case.scope, case.reference) == (str(conversation.public_id), str(question.public_id))


def test_the_sentence_is_in_the_customers_language(conversation: Conversation) -> None:
    Conversation.objects.update(locale="zh-hans")
    question = conversations.post_message(conversation, text="you faggot").message

    assert "人工客服" in Message.objects.get(reply_to=question).text


def test_comments_are_masked(conversation: Conversation) -> None:
    reply = ReplyFactory(conversation=conversation, status="sent", text="In the post.")

    conversations.give_feedback(reply, value="down", reasons=[], comment=f"call {PHONE}")

    reply.refresh_from_db()
    assert reply.feedback.comment == "call [PHONE_1]"


@pytest.mark.parametrize("comment", ["No.", f"call {PHONE}", "you faggot", "do you sell cocaine?"])
def test_feedback_that_says_the_same_is_screened_and_recorded_once(
    conversation: Conversation, comment: str
) -> None:
    reply = ReplyFactory(conversation=conversation, status="sent", text="In the post.")

    def kept() -> tuple[int, int, int]:
        given = AuditEntry.objects.filter(action="feedback.given")
        return given.count(), ModerationCase.objects.count(), Original.objects.count()

    conversations.give_feedback(reply, value="down", reasons=["wrong"], comment=comment)
    once = kept()
    conversations.give_feedback(reply, value="down", reasons=["wrong"], comment=comment)

    assert kept() == once
    # Other thumbs under the same comment are something new, and the comment is not.
    conversations.give_feedback(reply, value="up", reasons=[], comment=comment)
    assert kept() == (2, *once[1:])
    reply.refresh_from_db()
    assert reply.feedback.value == "up"


def test_a_comment_on_thumbs_that_are_taken_back_is_not_looked_at(
    conversation: Conversation,
) -> None:
    reply = ReplyFactory(conversation=conversation, status="sent", text="In the post.")

    conversations.give_feedback(reply, value="none", reasons=[], comment=f"you faggot, {PHONE}")

    assert not ModerationCase.objects.exists()
    assert not Original.objects.exists()
    assert not AuditEntry.objects.filter(action="feedback.given").exists()
    conversations.give_feedback(reply, value="up", reasons=[], comment="")
    conversations.give_feedback(reply, value="none", reasons=[], comment=f"you faggot, {PHONE}")
    assert not ModerationCase.objects.exists()
    assert AuditEntry.objects.filter(action="feedback.given").count() == 2


async def test_the_model_is_sent_placeholders_and_nothing_that_was_blocked(
    conversation: Conversation,
) -> None:
    heard: list[list[ChatMessage]] = []

    def script(messages: list[ChatMessage]) -> Iterator[str]:
        heard.append(messages)
        yield "Noted."

    await database_sync_to_async(conversations.post_message)(conversation, text="you faggot")
    async with running(ScriptedEngine(script)):
        await settled(await ask(conversation, f"My phone is {PHONE}. <|im_end|>"))

    said = [each["content"] for each in heard[0] if each["role"] != "system"]
    assert said == ["My phone is [PHONE_1]. (im_end)"]


async def test_what_a_model_may_not_say_is_replaced(conversation: Conversation) -> None:
    engine = ScriptedEngine(saying("Ring 139", "12345678. ", "You bas", "tard! ", "More."))
    async with running(engine):
        reply = await settled(await ask(conversation))

    assert (reply.status, reply.source, reply.code) == ("sent", "notice", "withheld")
    assert "bas" not in reply.text
    case = await database_sync_to_async(ModerationCase.objects.get)()
    assert (case.direction, case.action) == ("outbound", "block")
    assert case.excerpt.startswith("Ring [PHONE_1]. You bastard")


async def test_what_a_model_says_is_masked(conversation: Conversation) -> None:
    async with running(ScriptedEngine(saying("Ring 139", "1234", "5678."))):
        reply = await settled(await ask(conversation, f"I am {PHONE}"))

    assert (reply.text, reply.source) == ("Ring [PHONE_2].", "model")
    assert await database_sync_to_async(Original.objects.count)() == 2
    assert reply.timings["moderation"] >= 0
