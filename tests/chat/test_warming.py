"""After a change, frequent questions are answered before anybody asks them again."""

from io import StringIO

import pytest
from django.core.management import call_command

from chat.answer_cache import AnswerCache
from chat.deployments import Served
from chat.libraries import LibraryShelf
from chat.models import Bot, Deployment, Message
from chat.services import conversations
from chat.warming import frequent_questions, warm
from tests.chat.scripted import ScriptedEngine, saying
from tests.factories import (
    ConversationFactory,
    DeploymentFactory,
    MessageFactory,
    VisitorFactory,
    approve,
)

pytestmark = pytest.mark.django_db

QUESTION = "Which colours are there?"


@pytest.fixture
def deployment() -> Deployment:
    deployment: Deployment = DeploymentFactory()
    return deployment


def said(bot: Bot, question: str, answer: str = "Blue and green.") -> None:
    conversation = ConversationFactory(visitor=VisitorFactory(bot=bot))
    message = MessageFactory(conversation=conversation, text=question)
    MessageFactory(
        conversation=conversation, role="assistant", text=answer, source="model", reply_to=message
    )


def frequent(bot: Bot) -> list[str]:
    found = frequent_questions(bot, "en", visitors=2, limit=10)
    return [each.question.message.text for each in found]


def test_what_several_visitors_asked_first_is_frequent(deployment: Deployment) -> None:
    for question in (QUESTION, QUESTION, "Which size is it?", "我有问题", "我有问题"):
        said(deployment.bot, question)
    assert frequent(deployment.bot) == [QUESTION]


def test_personal_and_approved_questions_are_left_out(deployment: Deployment) -> None:
    for _ in range(2):
        said(deployment.bot, "My mail is [EMAIL_1], is it right?")
        said(deployment.bot, "How long is delivery?")
    approve(deployment.bot, "How long is delivery?", text="Two days.")
    assert frequent(deployment.bot) == []


@pytest.mark.parametrize(("now", "changed"), [("Blue and green.", False), ("No colours.", True)])
def test_the_next_customer_gets_the_new_answer_and_staff_sees_what_changed(
    deployment: Deployment, now: str, changed: bool
) -> None:
    for _ in range(2):
        said(deployment.bot, QUESTION)
    Bot.objects.update(confidence_threshold=0.0)
    deployment.bot.refresh_from_db()
    shelf = LibraryShelf()
    [each] = frequent_questions(deployment.bot, "en", visitors=2, limit=10)

    warmed = warm(
        each,
        Served(deployment, ScriptedEngine(saying(now))),
        shelf.library(deployment.bot, "en"),
        shelf.embedder,
        AnswerCache(),
    )

    assert (warmed.is_kept, warmed.has_changed) == (True, changed)
    conversation = ConversationFactory(visitor=VisitorFactory(bot=deployment.bot))
    question = conversations.post_message(conversation, text=QUESTION).message
    reply = Message.objects.get(reply_to=question)
    assert (reply.source, reply.text) == ("cache", now)


def test_the_command_says_what_it_did(deployment: Deployment) -> None:
    for _ in range(2):
        said(deployment.bot, QUESTION)
    out = StringIO()
    call_command("warm_cache", bot=deployment.bot.slug, stdout=out)
    assert "en: 1 frequent questions answered" in out.getvalue()
