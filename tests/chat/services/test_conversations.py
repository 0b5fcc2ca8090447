"""A customer's message is stored once, numbered without gaps, and answered or refused at once."""

import threading
import uuid

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from chat.events import TEXT_CHARACTERS
from chat.models import Bot, Conversation, Feedback, Message
from chat.services import conversations
from chat.services.conversations import InvalidText, clean_text, post_message
from chat.services.transcript import ConversationClosed
from tests.factories import ConversationFactory, MessageFactory

pytestmark = pytest.mark.django_db


def roles_and_seqs(conversation: Conversation) -> list[tuple[int, str, str]]:
    return list(conversation.messages.order_by("seq").values_list("seq", "role", "status"))


def test_post_message_queues_one_reply_behind_it() -> None:
    conversation = ConversationFactory()

    posted = post_message(conversation, text="  Hello?  ", client_message_id=uuid.uuid4())

    assert posted.created
    assert posted.message.text == "Hello?"
    assert roles_and_seqs(conversation) == [(1, "customer", "sent"), (2, "assistant", "pending")]
    assert conversation.messages.get(seq=2).reply_to == posted.message


def test_post_message_is_idempotent_on_the_clients_id() -> None:
    conversation, client_message_id = ConversationFactory(), uuid.uuid4()

    first = post_message(conversation, text="Hello?", client_message_id=client_message_id)
    again = post_message(conversation, text="Hello?", client_message_id=client_message_id)

    assert (again.message, again.created) == (first.message, False)
    assert conversation.messages.count() == 2


def test_the_same_client_id_in_another_conversation_is_another_message() -> None:
    client_message_id = uuid.uuid4()

    first = post_message(ConversationFactory(), text="Hi", client_message_id=client_message_id)
    other = post_message(ConversationFactory(), text="Hi", client_message_id=client_message_id)

    assert other.created
    assert other.message != first.message


def test_a_full_queue_is_told_at_once(settings: Settings) -> None:
    settings.CHAT_QUEUE_LIMIT = 1
    first = ConversationFactory(locale="zh-hans")
    second = ConversationFactory(locale="zh-hans", visitor__bot=first.bot)
    elsewhere = ConversationFactory()

    for conversation in (first, second, elsewhere):
        post_message(conversation, text="Hello?")

    notice = second.messages.get(seq=2)
    assert (notice.role, notice.status, notice.code) == ("notice", "sent", "busy")
    assert notice.text.startswith("当前咨询的人很多")
    assert roles_and_seqs(elsewhere)[1] == (2, "assistant", "pending")


def test_a_closed_conversation_takes_no_message() -> None:
    conversation = ConversationFactory(status=Conversation.Status.CLOSED)

    with pytest.raises(ConversationClosed):
        post_message(conversation, text="Hello?")

    assert conversation.messages.count() == 0


def test_a_conversation_that_vanished_or_lost_its_bot_is_closed() -> None:
    of_inactive_bot, erased = ConversationFactory(), ConversationFactory()
    Bot.objects.filter(pk=of_inactive_bot.bot_id).update(is_active=False)
    Conversation.objects.filter(pk=erased.pk).delete()

    for conversation in (of_inactive_bot, erased):
        with pytest.raises(ConversationClosed):
            post_message(conversation, text="Hello?")
        with pytest.raises(ConversationClosed):
            conversations.request_person(conversation)


@pytest.mark.parametrize("text", ["", "  \n\t ", "a\x00b", "\ud83d", "x" * (TEXT_CHARACTERS + 1)])
def test_what_is_no_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidText):
        clean_text(text)


@given(st.text(st.characters(), min_size=1, max_size=200))
def test_whatever_is_accepted_is_stored_as_it_is(text: str) -> None:
    try:
        cleaned = clean_text(text)
    except InvalidText:
        return
    message = MessageFactory(text=cleaned)
    message.refresh_from_db()
    assert message.text == cleaned


def test_asking_for_a_person_leaves_one_note() -> None:
    conversation = ConversationFactory()

    conversations.request_person(conversation)
    conversations.request_person(conversation)

    conversation.refresh_from_db()
    assert conversation.status == Conversation.Status.WAITING
    assert [m.code for m in conversation.messages.all()] == ["person_requested"]


def test_feedback_is_replaced_and_taken_back() -> None:
    message = MessageFactory(role=Message.Role.ASSISTANT)

    conversations.give_feedback(message, value="down", reasons=["wrong"], comment="No.")
    conversations.give_feedback(message, value="up", reasons=[], comment="")

    assert [(f.value, f.reasons) for f in Feedback.objects.all()] == [("up", [])]

    conversations.give_feedback(message, value="none", reasons=[], comment="")

    assert not Feedback.objects.exists()


def test_feedback_is_for_answers_only() -> None:
    with pytest.raises(conversations.NotAnAnswer):
        conversations.give_feedback(MessageFactory(), value="up", reasons=[], comment="")


@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gaps_when_many_write_at_once() -> None:
    conversation = ConversationFactory()

    def post() -> None:
        for _ in range(5):
            post_message(conversation, text="Hello?", client_message_id=uuid.uuid4())
        connection.close()

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    seqs = list(conversation.messages.order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, 41))
