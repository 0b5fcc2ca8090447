"""A new installation has a bot to talk to and somebody who may log in."""

from io import StringIO

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import call_command

from chat import demo
from chat.knowledge.questions import normalized
from chat.models import Bot
from chat.models.fields import LOCALES
from chat.selectors import active_deployments, demo_bot
from chat.services import conversations
from moderation.current import built_in_policy
from moderation.findings import Direction
from moderation.pipeline import moderate
from tests.factories import ConversationFactory, VisitorFactory

pytestmark = pytest.mark.django_db


def seed() -> str:
    out = StringIO()
    call_command("seed_demo", stdout=out)
    return out.getvalue()


def test_the_printed_password_opens_the_console_and_is_printed_once() -> None:
    printed = seed()
    password = printed.split("password")[-1].strip()

    assert authenticate(username="admin", password=password) is not None
    assert "password" not in seed()
    assert get_user_model().objects.count() == 1


def test_the_demo_bot_is_valid_and_deployed() -> None:
    seed()
    seed()
    bot = demo_bot()

    assert bot is not None
    bot.full_clean()
    assert [d.bot for d in active_deployments()] == [bot]
    assert Bot.objects.count() == 1


def test_staff_that_exists_is_left_alone() -> None:
    get_user_model().objects.create_superuser("chief", password="x" * 20)
    assert "password" not in seed()


@pytest.mark.parametrize("locale", LOCALES)
def test_every_starter_question_has_an_approved_answer(locale: str) -> None:
    seed()
    bot = demo_bot()
    assert bot is not None
    for question in bot.starter_questions[locale]:
        conversation = ConversationFactory(visitor=VisitorFactory(bot=bot), locale=locale)
        asked = conversations.post_message(conversation, text=question).message
        assert asked.replies.get().source == "curated", question


@pytest.mark.parametrize("locale", LOCALES)
def test_what_the_shop_knows_is_clean_and_without_contradictions(locale: str) -> None:
    seed()
    drafts = demo.knowledge(locale)
    wordings = [normalized(question) for draft in drafts for question in draft.questions]

    assert len(drafts) >= 60
    assert all(len(draft.questions) >= 6 for draft in drafts)
    assert len(set(wordings)) == len(wordings)
    assert not set(wordings) & {normalized(each) for each in demo.unanswered(locale)}
    for draft in drafts:
        verdict = moderate(draft.text, built_in_policy(), Direction.OUTBOUND)
        assert verdict.text == draft.text, draft.key
