"""Pages of the console show somebody their own bots' rows; what is foreign is not there at all."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from guardian.shortcuts import assign_perm

from chat.access import within_scope_of
from chat.models import Dispute, Feedback
from moderation.models import ModerationCase
from tests.csbot.accounts.people import person
from tests.factories import (
    BotFactory,
    ConversationFactory,
    DeploymentFactory,
    MessageFactory,
    VisitorFactory,
    approve,
)

pytestmark = pytest.mark.django_db


class World:
    """A curator-admin with one bot, and the same rows for it and for another one."""

    def __init__(self) -> None:
        self.mine, self.foreign = BotFactory(name="Mine"), BotFactory(name="Foreign")
        self.user: User = person("Curator", "Trainer", "Admin", bots=[self.mine])
        # Admins work on all bots; this one does not.
        for group in self.user.groups.all():
            group.permissions.remove(*group.permissions.filter(codename="work_on_all_bots"))
        self.rows = {
            bot: {
                "chat_bot": bot.pk,
                "chat_apikey": bot.api_keys.create(name="k", key_hash=bot.pk.to_bytes(32)).pk,
                "chat_deployment": DeploymentFactory(bot=bot).pk,
                "chat_conversation": self._conversation(bot).pk,
                "chat_curatedanswer": approve(bot, f"what {bot.pk}", text="that").pk,
                "chat_feedback": self._feedback(bot).pk,
                "chat_dispute": self._dispute(bot).pk,
                "moderation_moderationcase": self._case(bot).pk,
            }
            for bot in (self.mine, self.foreign)
        }

    def _conversation(self, bot: Any) -> Any:
        return ConversationFactory(visitor=VisitorFactory(bot=bot))

    def _feedback(self, bot: Any) -> Any:
        message = MessageFactory(conversation=self._conversation(bot))
        visitor = message.conversation.visitor
        return Feedback.objects.create(message=message, visitor=visitor, value="up")

    def _dispute(self, bot: Any) -> Any:
        message = MessageFactory(conversation=self._conversation(bot))
        return Dispute.objects.create(
            bot=bot, message=message, question="q", normalized="q", shown="s", locale="en"
        )

    def _case(self, bot: Any) -> Any:
        return ModerationCase.objects.create(
            scope=str(self._conversation(bot).public_id), direction="inbound", action="review"
        )


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def console(client: Client, world: World) -> Client:
    client.force_login(User.objects.get(pk=world.user.pk))
    return client


MODELS = (
    "chat_bot",
    "chat_apikey",
    "chat_deployment",
    "chat_conversation",
    "chat_curatedanswer",
    "chat_feedback",
    "chat_dispute",
    "moderation_moderationcase",
)


@pytest.mark.parametrize("model", MODELS)
def test_foreign_rows_are_neither_listed_nor_found(
    console: Client, world: World, model: str
) -> None:
    own, foreign = world.rows[world.mine][model], world.rows[world.foreign][model]
    page = console.get(reverse(f"admin:{model}_changelist"))
    listed = {row.pk for row in page.context["cl"].result_list}
    assert own in listed
    assert foreign not in listed
    assert console.get(reverse(f"admin:{model}_change", args=[own])).status_code == 200
    for view in ("change", "history", "delete"):
        answers = [
            console.get(reverse(f"admin:{model}_{view}", args=[pk])) for pk in (foreign, 987654321)
        ]
        assert answers[0].status_code == answers[1].status_code != 200
        assert answers[0].content == answers[1].content


def test_filters_and_choices_offer_no_foreign_bot(console: Client, world: World) -> None:
    for page in (
        reverse("admin:chat_curatedanswer_changelist"),
        reverse("admin:chat_curatedanswer_add"),
        reverse("admin:chat_conversation_changelist"),
        reverse("admin:knowledge_export"),
        reverse("admin:knowledge_import"),
        reverse("admin:knowledge_glance"),
    ):
        text = console.get(page).content.decode()
        assert "Foreign" not in text, page


def test_a_foreign_bot_that_is_sent_anyway_is_refused(console: Client, world: World) -> None:
    page = console.get(reverse("admin:knowledge_export"), {"bot": world.foreign.pk, "locale": "en"})
    assert "Content-Disposition" not in page
    assert (
        console.post(reverse("admin:knowledge_clear_cache", args=[world.foreign.pk])).status_code
        == 404
    )
    answer = console.post(
        reverse("admin:chat_curatedanswer_add"),
        {"bot": world.foreign.pk, "locale": "en", "questions": "q", "text": "t"},
    )
    assert "bot" in answer.context["adminform"].form.errors


def test_moderation_shows_what_names_no_conversation_to_those_who_see_all_bots(
    world: World,
) -> None:
    ModerationCase.objects.create(scope="", direction="training", action="review")
    ModerationCase.objects.create(scope="not an id", direction="training", action="review")
    mine = ModerationCase.objects.filter(within_scope_of(User.objects.get(pk=world.user.pk)))
    assert mine.count() == 1
    assign_perm("chat.work_on_all_bots", world.user)
    assert (
        ModerationCase.objects.filter(within_scope_of(User.objects.get(pk=world.user.pk))).count()
        == 4
    )
