"""What the database refuses whatever the code believes, and what a bot may be configured with."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from chat.models.fields import is_origin
from tests.factories import BotFactory, ConversationFactory, DeploymentFactory, MessageFactory

pytestmark = pytest.mark.django_db


def test_two_replies_of_one_conversation_are_never_written_at_once() -> None:
    first = MessageFactory(role="assistant", status="generating")
    with pytest.raises(IntegrityError), transaction.atomic():
        MessageFactory(conversation=first.conversation, role="assistant", status="generating")
    MessageFactory(role="assistant", status="generating")


def test_a_number_is_given_once() -> None:
    conversation = ConversationFactory()
    MessageFactory(conversation=conversation, seq=7)
    with pytest.raises(IntegrityError), transaction.atomic():
        MessageFactory(conversation=conversation, seq=7)


def test_a_bot_has_one_active_deployment() -> None:
    deployment = DeploymentFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        DeploymentFactory(bot=deployment.bot)
    DeploymentFactory(bot=deployment.bot, is_active=False)


@pytest.mark.parametrize(
    ("site", "accepted"),
    [
        ("https://shop.example", True),
        ("http://localhost:3000", True),
        ("https://shop.example/", False),
        ("https://shop.example/path", False),
        ("https://*.example", False),
        ("https://shop.example; script-src *", False),
        ("https://user@shop.example", False),
        ("https://shop.example:99999", False),
        ("javascript:alert(1)", False),
        ("shop.example", False),
        ("'self'", False),
        ("*", False),
        ("", False),
    ],
)
def test_allowed_sites_are_exact_origins(site: str, accepted: bool) -> None:
    assert is_origin(site) is accepted


@pytest.mark.parametrize(
    "fields",
    [
        {"allowed_sites": ["*"]},
        {"allowed_sites": "https://shop.example"},
        {"welcome": {"fr": "Bonjour"}},
        {"welcome": ["Hello"]},
        {"starter_questions": {"en": ["?"] * 6}},
        {"starter_questions": {"en": [""]}},
        {"theme_color": "red"},
    ],
)
def test_a_bot_refuses_what_it_could_not_show(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        BotFactory.build(**fields).full_clean()
