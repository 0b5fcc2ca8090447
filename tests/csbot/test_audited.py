"""Everything that is changed leaves its entry, by whoever did it; what is undone leaves none."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from chat.knowledge.embedding import open_embedder
from chat.libraries import embedder_spec
from chat.models import Bot, Conversation, Dispute, Message
from chat.services import calibrating, conversations, disputes, knowledge, replies, visitors
from chat.services import importing as knowledge_files
from moderation.actors import Actor, acting
from moderation.audit import chain
from moderation.findings import Direction
from moderation.models import AuditEntry, ModerationCase, Original, PolicyVersion, Word
from moderation.services import cases, originals, policies, word_lists
from moderation.services.screening import screen
from moderation.words import lexicon
from tests.factories import (
    BotFactory,
    ConversationFactory,
    DatasetFactory,
    DeploymentFactory,
    MessageFactory,
    ReplyFactory,
    TrainingRunFactory,
    UserFactory,
    VisitorFactory,
    approve,
)
from training.formats import Contents, Entry, Turn
from training.models import Dataset, Example
from training.services import datasets, examples, freezing, importing, runs
from training.services.runs import Claim

pytestmark = pytest.mark.django_db

PROVENANCE = replies.Provenance(deployment=None)
TEXT = "Where is my parcel number seven?"


def boss() -> User:
    return UserFactory(is_superuser=True)


def post() -> Message:
    return conversations.post_message(ConversationFactory(), text=TEXT).message


def claimed() -> replies.Claim:
    DeploymentFactory(bot=(reply := ReplyFactory()).conversation.bot)
    return next(each for each in replies.claim(owner="a", limit=9) if each.message == reply)


def said() -> Message:
    return MessageFactory(role=Message.Role.ASSISTANT, text="At your door.")


def fill(dataset: Dataset, status: Example.Status = Example.Status.APPROVED) -> Example:
    turns = (Turn("user", TEXT), Turn("assistant", "At your door."))
    plan = importing.plan(dataset.bot, Contents((Entry(turns, line=1),), ()), dataset=dataset)
    importing.carry_out(dataset, plan, author=None, status=status)
    return Example.objects.get(dataset=dataset)


def case() -> ModerationCase:
    screen("do you sell cocaine?", Direction.INBOUND, scope="a")
    return ModerationCase.objects.get()


def original() -> Original:
    screen("call 13812345678", Direction.INBOUND, scope="a")
    return Original.objects.get()


def dispute() -> Dispute:
    answer = approve(BotFactory(), TEXT, text="At your door.")
    question = MessageFactory(conversation__visitor__bot=answer.bot)
    message = MessageFactory(
        conversation=question.conversation, role=Message.Role.ASSISTANT, reply_to=question,
        source=Message.Source.CURATED, curated_answer=answer,
    )  # fmt: skip
    found = disputes.open_dispute(message, is_other_question=True)
    assert found is not None
    return found


def calibrate() -> object:
    bot = BotFactory()
    for number in range(calibrating.FEWEST_ANSWERS):
        approve(bot, f"What is {number} of {number}?", f"{number}?", text=f"It is {number}.")
    return calibrating.calibrate_matching(
        bot, "en", open_embedder(embedder_spec()), unanswered=[], false_hits=0.5
    )


def running() -> Claim:
    run = TrainingRunFactory()
    claim = runs.claim(device=run.device, owner="a")
    assert claim is not None
    return claim


def publish() -> PolicyVersion:
    word_lists.add([lexicon.Word("blicket", "abuse")], by=None)
    return policies.publish_words(by=None)


WRITES: dict[str, Callable[[], Any]] = {
    # Customers and the bot
    "visitor.registered": lambda: visitors.register_visitor(BotFactory()),
    "conversation.started": lambda: visitors.start_conversation(VisitorFactory(), locale="en"),
    "message.posted": post,
    "reply.sent": lambda: replies.settle_sent(
        claimed(), text="Yes.", source="model", provenance=PROVENANCE
    ),
    "reply.failed": lambda: replies.settle_failed(claimed(), code="broken", retryable=False),
    "reply.cancelled": lambda: replies.cancel(ReplyFactory()),
    "reply.pending": lambda: replies.retry(ReplyFactory(status=Message.Status.FAILED)),
    "feedback.given": lambda: conversations.give_feedback(
        said(), value="up", reasons=[], comment=""
    ),
    "person.requested": lambda: conversations.request_person(ConversationFactory()),
    "api_key.issued": lambda: visitors.issue_api_key(BotFactory(), name="shop"),
    # What the bot knows
    "answer.saved": lambda: approve(BotFactory(), TEXT, text="At your door."),
    "answers.saved": lambda: knowledge.save_all(
        BotFactory(), "en", [knowledge.Draft((TEXT,), "At your door.")], author=None
    ),
    "answer.switched": lambda: knowledge.switch(
        [approve(BotFactory(), TEXT, text="At your door.")], active=False, author=None
    ),
    "answer.removed": lambda: knowledge.remove([approve(BotFactory(), TEXT, text="At your door.")]),
    "dispute.resolved": lambda: disputes.resolve(dispute(), resolution="served", by=boss()),
    "calibration.published": calibrate,
    "export.made": lambda: knowledge_files.exported(BotFactory(), "en"),
    # Moderation
    "words.added": lambda: word_lists.add([lexicon.Word("blicket", "abuse")], by=None),
    "policy.published": publish,
    "policy.activated": lambda: policies.activate(publish(), by=None),
    "case.resolved": lambda: cases.resolve(
        case(), by=boss(), resolution=ModerationCase.Resolution.ALLOWED, term="cocaine"
    ),
    "original.revealed": lambda: originals.reveal(original(), by=boss(), reason="They called us."),
    # Training
    "dataset.added": lambda: datasets.keep(datasets.named_or_new("new", BotFactory())),
    "examples.imported": lambda: fill(DatasetFactory()),
    "example.saved": lambda: examples.save(
        fill(DatasetFactory()), [Turn("user", "Hm?"), Turn("assistant", "Yes.")], author=None
    ),
    "example.approved": lambda: examples.decide(
        [fill(DatasetFactory(), Example.Status.DRAFT)], Example.Status.APPROVED, reviewer=boss()
    ),
    "example.rejected": lambda: examples.decide(
        [fill(DatasetFactory())], Example.Status.REJECTED, reviewer=boss()
    ),
    "dataset.frozen": lambda: freezing.freeze(fill(DatasetFactory()).dataset, author=None),
    "run.cancelled": lambda: runs.request_cancel(TrainingRunFactory()),
    "run.taken_up_again": lambda: runs.resume(TrainingRunFactory(status="failed")),
    "run.finished": lambda: runs.finish(running()),
    "run.failed": lambda: runs.fail(running(), "x", "broken"),
}


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Any) -> None:
    settings.VAR_DIR = tmp_path
    settings.CHAT_EMBEDDER = "ngrams"


@pytest.mark.parametrize("action", WRITES)
def test_each_write_leaves_its_entry_without_what_was_said(action: str) -> None:
    with acting(Actor("person", "7", "curator")):
        WRITES[action]()
    found = AuditEntry.objects.filter(action=action)
    assert found
    for entry in AuditEntry.objects.all():
        assert TEXT not in entry.facts + entry.target
        assert "13812345678" not in entry.facts
        assert (entry.actor_kind, bool(entry.actor_id)) == ("person", True)


@pytest.mark.parametrize("action", ["message.posted", "answers.saved", "words.added"])
def test_what_cannot_be_recorded_does_not_happen(
    action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation, bot = ConversationFactory(), BotFactory()
    changes: dict[str, Callable[[], object]] = {
        "message.posted": lambda: conversations.post_message(conversation, text=TEXT),
        "answers.saved": lambda: approve(bot, TEXT, text="At your door."),
        "words.added": lambda: word_lists.add([lexicon.Word("blicket", "abuse")], by=None),
    }
    monkeypatch.setattr(chain, "content", _fails)
    with pytest.raises(DatabaseError):
        changes[action]()
    assert not Message.objects.exists()
    assert not bot.curated_answers.exists()
    assert not Word.objects.exists()


def _fails(*_: object) -> bytes:
    raise DatabaseError


def test_what_is_undone_leaves_none() -> None:
    conversation = ConversationFactory()
    with transaction.atomic():
        conversations.post_message(conversation, text=TEXT)
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()


def test_a_settled_message_costs_one_entry(django_assert_max_num_queries: Any) -> None:
    claim = claimed()
    AuditEntry.objects.all().delete()
    with django_assert_max_num_queries(9):
        replies.settle_sent(claim, text="Yes.", source="model", provenance=PROVENANCE)
    assert [each.action for each in AuditEntry.objects.all()] == ["reply.sent"]


class TestConsole:
    @pytest.fixture
    def page(self, client: Client) -> Client:
        client.force_login(boss())
        AuditEntry.objects.all().delete()
        return client

    def test_a_bot_that_is_switched_off(self, page: Client) -> None:
        bot = BotFactory()
        address = reverse("admin:chat_bot_change", args=[bot.pk])
        form = page.get(address).context["adminform"].form
        sent = {name: value for name, value in form.initial.items() if value is not None}
        sent |= {"name": "Another", "slug": bot.slug, "theme_color": bot.theme_color}
        sent = {name: value for name, value in sent.items() if not isinstance(value, dict | list)}
        sent.pop("is_active", None)
        answer = page.post(address, sent)
        assert answer.status_code == 302, answer.context["errors"]
        entry = AuditEntry.objects.get(action="bot.changed")
        facts = json.loads(entry.facts)
        assert facts["settings"]["is_active"] == [True, False]
        assert "name" in facts["fields"]
        assert "Another" not in entry.facts, "texts are not kept"
        assert (entry.bot, entry.actor_kind) == (bot.slug, "person")

    def test_many_words_deleted_at_once(self, page: Client) -> None:
        words = [Word.objects.create(term=f"w{each}", kind="allowed") for each in range(3)]
        page.post(
            reverse("admin:moderation_word_changelist"),
            {
                "action": "delete_selected",
                "_selected_action": [each.pk for each in words],
                "post": "yes",
            },
        )
        assert not Word.objects.exists()
        assert AuditEntry.objects.filter(action="word.deleted").count() == 3

    def test_people_deleted_and_their_passwords_changed(self, page: Client) -> None:
        boss_, bob = User.objects.get(), UserFactory()
        boss_.set_password("correct horse battery")
        boss_.save()
        page.force_login(boss_)
        new = "staple battery horse"
        page.post(
            reverse("admin:auth_user_password_change", args=[bob.pk]),
            {"password1": new, "password2": new, "usable_password": "true"},
        )
        page.post(reverse("admin:auth_user_delete", args=[bob.pk]), {"post": "yes"})
        page.post(
            reverse("admin:password_change"),
            {
                "old_password": "correct horse battery",
                "new_password1": new,
                "new_password2": new,
            },
        )
        found = AuditEntry.objects.filter(action__startswith="user.").order_by("id")
        assert list(found.values_list("action", "target"))[1:] == [
            ("user.password_changed", f"user:{bob.pk}"),
            ("user.deleted", f"user:{bob.pk}"),
            ("user.password_changed", f"user:{boss_.pk}"),
        ]

    def test_everything_that_can_be_edited_is_recorded(self) -> None:
        from moderation.console.recorded import RecordsDeletion

        # Their services, or their own pages, write the entries.
        elsewhere = {"curatedanswer", "cannedreply", "leftmessage", "gatepolicy", "incrementpolicy"}
        request = type("Request", (), {"user": boss()})()
        open_ = {
            model._meta.model_name
            for model, page in admin.site._registry.items()
            if not isinstance(page, RecordsDeletion)
            and (page.has_change_permission(request) or page.has_delete_permission(request))
        }
        assert open_ <= elsewhere


def test_signing_in_out_and_failing(client: Client) -> None:
    user = User.objects.create_user("ann", password="correct horse battery", is_staff=True)
    login = reverse("admin:login")
    client.post(login, {"username": "ann", "password": "hunter2"})
    client.post(login, {"username": "my-secret", "password": "x"})
    client.post(login, {"username": "ann", "password": "correct horse battery"})
    client.post(reverse("admin:logout"))
    found = AuditEntry.objects.order_by("id").values_list("action", "target", "actor_kind")
    assert list(found) == [
        ("user.sign_in_failed", f"user:{user.pk}", "visitor"),
        ("user.sign_in_failed", "", "visitor"),
        ("user.signed_in", f"user:{user.pk}", "person"),
        ("user.signed_out", f"user:{user.pk}", "person"),
    ]
    assert not AuditEntry.objects.filter(facts__contains="my-secret").exists()


def test_the_actor_is_whoever_the_token_names(client: Client) -> None:
    visitor = VisitorFactory(token="a-token")
    conversation = ConversationFactory(visitor=visitor)
    address = reverse("api-messages", args=[conversation.public_id])
    sent = {"text": "Hello", "client_message_id": str(uuid.uuid4())}
    client.post(
        address, sent, content_type="application/json", headers={"Authorization": "Visitor a-token"}
    )
    entry = AuditEntry.objects.get(action="message.posted")
    assert (entry.actor_kind, entry.actor_id) == ("visitor", str(visitor.public_id))


def test_commands_that_make_people_leave_entries() -> None:
    call_command("createsuperuser", "--noinput", username="ann", email="")
    user = User.objects.get()
    assert AuditEntry.objects.get().target == f"user:{user.pk}"


def test_the_demo_leaves_entries() -> None:
    call_command("seed_demo")
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"bot.added", "user.added", "answers.saved"} <= actions
    assert Bot.objects.exists()
    assert Conversation.objects.count() == 0
