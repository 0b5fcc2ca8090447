"""The pages of privacy: look, confirm, prove; each closed without the right, and to other bots' staff."""

import json
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from chat.forms import BotForm
from chat.models import Bot, Conversation, Visitor
from chat.services.conversations import post_message
from moderation.models import AuditEntry
from tests.factories import (
    BotFactory,
    ConversationFactory,
    DatasetFactory,
    DeploymentFactory,
    ModelVersionFactory,
    TrainingRunFactory,
)
from training import certificates
from training.formats import Turn
from training.models import Dataset, DatasetVersion, Erasure, Example
from training.services import erasing, examples, freezing

pytestmark = pytest.mark.django_db

LIST, PAGE, FIND = "training_erasure_changelist", "training_erasure_change", "privacy_find"
ERASE, CERTIFICATE = "erase_visitor", "privacy_certificate"
MAIL = "ann@shop.example"


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def conversation() -> Conversation:
    made: Conversation = ConversationFactory()
    post_message(made, text=f"Write to {MAIL}, please")
    return made


def url(name: str, *arguments: object) -> str:
    return reverse(f"admin:{name}", args=arguments)


def staff(client: Client, *permissions: str) -> User:
    user = User.objects.create_user("ann", password="x" * 12, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return user


def frozen(conversation: Conversation) -> DatasetVersion:
    dataset: Dataset = DatasetFactory(bot=conversation.bot)
    for owner, question in ((conversation, "Where is it?"), (None, "How long?")):
        example = Example(dataset=dataset, conversation=owner, locale="en")
        said = [Turn("user", question), Turn("assistant", "Soon.")]
        examples.save(example, said, author=None)
    return freezing.freeze(dataset, author=None)


def confirmed(**fields: object) -> dict[str, object]:
    return {"reason": "asked", "reference": "R-7", "is_sure": "on", **fields}


def pages_of(conversation: Conversation) -> list[str]:
    done = erasing.erase(
        ConversationFactory(bot=conversation.bot).visitor, by=None, reason=Erasure.Reason.ASKED
    )
    visitor = conversation.visitor.public_id
    return [
        url(LIST), url(PAGE, done.pk), url(FIND), url(ERASE, visitor), url(CERTIFICATE, done.pk),
    ]  # fmt: skip


def test_every_page_is_closed_without_the_right(client: Client, conversation: Conversation) -> None:
    pages = pages_of(conversation)

    assert {client.get(page).status_code for page in pages} == {302}
    staff(client, "work_on_all_bots", "view_visitor")
    assert {client.get(page).status_code for page in pages} == {403}
    assert client.post(pages[3], confirmed()).status_code == 403
    assert Conversation.objects.filter(pk=conversation.pk).exists()


def test_visitors_of_foreign_bots_do_not_exist(client: Client, conversation: Conversation) -> None:
    pages = pages_of(conversation)
    staff(client, "erase_visitor", "view_erasure")
    nobody = url(ERASE, "7f9c24e8-3b12-4f5d-9a3e-0d5b6c7a8e91")

    assert {client.get(page).status_code for page in (*pages[1:2], *pages[3:], nobody)} == {404}
    assert client.post(pages[3], confirmed()).status_code == 404
    assert "Nobody was found" in client.post(url(FIND), {"said": MAIL}).text
    assert Conversation.objects.filter(pk=conversation.pk).exists()


def test_auditors_see_certificates_and_erase_nobody(
    client: Client, conversation: Conversation
) -> None:
    pages = pages_of(conversation)
    staff(client, "work_on_all_bots", "view_erasure")

    assert [client.get(page).status_code for page in pages] == [200, 200, 403, 403, 200]
    assert "Erase a visitor" not in client.get(url(LIST)).text


def test_whoever_may_erase_finds_the_way_there(client: Client) -> None:
    staff(client, "erase_visitor")
    assert url(LIST) in client.get(url("index")).text


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_opens_in_both_languages(
    admin_client: Client, conversation: Conversation, language: str
) -> None:
    admin_client.cookies["django_language"] = language
    pages = pages_of(conversation)

    texts = [admin_client.get(page).text for page in pages]
    assert ("抹除访客" in texts[2]) is (language == "zh-hans")
    assert ("Erase a visitor" in texts[2]) is (language == "en")


def test_a_visitor_is_found_looked_at_and_erased(
    admin_client: Client, conversation: Conversation
) -> None:
    version = frozen(conversation)
    run = TrainingRunFactory(dataset_version=version, status="succeeded")
    model = ModelVersionFactory(run=run)
    DeploymentFactory(bot=conversation.bot, artifact=model.artifact)
    visitor = conversation.visitor
    page = url(ERASE, visitor.public_id)

    found = admin_client.post(url(FIND), {"said": MAIL})
    assert page in found.text
    assert "no-store" in found["Cache-Control"]
    seen = admin_client.get(page).text
    assert str(model) in seen
    assert "1 row leaves its file" in seen
    assert Visitor.objects.filter(pk=visitor.pk).exists()

    erased = admin_client.post(page, confirmed(), follow=True)

    assert not Visitor.objects.filter(pk=visitor.pk).exists()
    assert "The visitor is erased." in erased.text
    assert "answers customers" in erased.text
    assert f"{url('training_new_run')}?dataset_version={version.pk}" in erased.text
    erasure = Erasure.objects.get()
    assert (erasure.reason, erasure.reference) == ("asked", "R-7")
    document = admin_client.get(url(CERTIFICATE, erasure.pk))
    certificates.check(json.loads(document.content))
    assert "attachment" in document["Content-Disposition"]
    assert AuditEntry.objects.filter(action="certificate.exported").count() == 1
    entry = AuditEntry.objects.get(action="visitor.erased")
    assert (entry.actor_kind, entry.actor_name) == ("person", "admin")
    assert admin_client.get(page).status_code == 404


def test_a_training_since_then_is_named(admin_client: Client, conversation: Conversation) -> None:
    version = frozen(conversation)
    ModelVersionFactory(run=TrainingRunFactory(dataset_version=version, status="succeeded"))
    erasure = erasing.erase(conversation.visitor, by=None, reason=Erasure.Reason.ASKED)

    assert "The training is prepared" in admin_client.get(url(PAGE, erasure.pk)).text
    again = ModelVersionFactory(run=TrainingRunFactory(dataset_version=version, status="succeeded"))
    page = admin_client.get(url(PAGE, erasure.pk)).text
    assert f"Trained without it since: {again}" in page


@pytest.mark.parametrize(
    "fields", [{"reason": ""}, {"reason": "retention"}, {"is_sure": ""}, {"reference": "Ann Lee"}]
)
def test_nothing_goes_without_a_reason_and_a_confirmation(
    admin_client: Client, conversation: Conversation, fields: dict[str, str]
) -> None:
    page = url(ERASE, conversation.visitor.public_id)

    answer = admin_client.post(page, confirmed(**fields))

    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert Conversation.objects.exists()


def test_old_conversations_have_no_certificate(
    admin_client: Client, conversation: Conversation
) -> None:
    from django.db import transaction

    with transaction.atomic():
        rows = Conversation.objects.filter(pk=conversation.pk)
        erasure = erasing.erase_conversations(conversation.bot, rows)
    assert admin_client.get(url(CERTIFICATE, erasure.pk)).status_code == 404
    assert "are still being cleared" in admin_client.get(url(PAGE, erasure.pk)).text
    erasing.finish(erasure)
    assert admin_client.get(url(CERTIFICATE, erasure.pk)).status_code == 404


def test_a_bot_says_how_long_conversations_are_kept() -> None:
    bot: Bot = BotFactory()
    names = ("retention_days", "retention_covers_examples")

    for days, is_valid in (("", True), ("365", True), ("0", False), ("-1", False)):
        form = BotForm({"retention_days": days}, instance=bot)
        assert ("retention_days" not in form.errors) is is_valid, days
    assert all(BotForm().fields[name].help_text for name in names)
