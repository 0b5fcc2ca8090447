"""Conversations go when their bot need not keep them any more, all of them, and no others."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from chat.models import Bot, Conversation, CuratedAnswer, Message, Visitor
from moderation.findings import Direction
from moderation.models import AuditEntry, Original, SubjectKey
from moderation.services import audit
from moderation.services.screening import screen
from tests.factories import BotFactory, ConversationFactory, DatasetFactory, MessageFactory
from training.formats import Turn
from training.models import Correction, Erasure, Example, VotedCase
from training.services import correcting, examples, freezing, retention

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


def talk(bot: Bot, *, days_ago: float = 0, **fields: str) -> Conversation:
    conversation: Conversation = ConversationFactory(visitor__bot=bot, **fields)
    text = screen("call 13812345678", Direction.INBOUND, scope=str(conversation.public_id)).text
    MessageFactory(conversation=conversation, text=text)
    then = timezone.now() - timedelta(days=days_ago)
    Conversation.objects.filter(pk=conversation.pk).update(updated_at=then)
    Visitor.objects.filter(pk=conversation.visitor_id).update(created_at=then)
    return conversation


def in_days(days: int) -> None:
    retention.apply(now=timezone.now() + timedelta(days=days))


@pytest.mark.django_db(transaction=True)
def test_after_400_days_everything_is_gone_within_two_runs() -> None:
    bot = BotFactory(retention_days=365)
    for status in ("open", "waiting", "closed") * 4:
        talk(bot, status=status)

    in_days(364)
    assert Conversation.objects.count() == 12
    then = timezone.now() + timedelta(days=400)
    retention.apply(now=then, batch=5)

    for model in (Conversation, Message, Visitor, Original, SubjectKey):
        assert not model.objects.exists(), model
    assert not retention.apply(now=then)
    assert all(each.finished_at for each in Erasure.objects.all())
    audit.verify()


def test_a_run_that_is_stopped_is_taken_up_by_the_next() -> None:
    bot = BotFactory(retention_days=30)
    for _ in range(4):
        talk(bot, days_ago=31)

    retention.apply(batch=3, seconds=0)
    assert Conversation.objects.count() == 4
    retention.apply(batch=3)
    assert not Conversation.objects.exists()


def test_what_is_younger_or_another_bots_stays() -> None:
    bot = BotFactory(retention_days=30)
    talk(bot, days_ago=31)
    kept = [
        talk(bot, days_ago=29),
        talk(BotFactory(), days_ago=4000),
        talk(BotFactory(retention_days=50), days_ago=49),
    ]

    in_days(0)

    assert list(Conversation.objects.order_by("pk")) == kept
    assert Original.objects.count() == 3


def test_a_visitor_who_still_has_a_conversation_stays() -> None:
    bot = BotFactory(retention_days=30)
    old = talk(bot, days_ago=31)
    young = ConversationFactory(visitor=old.visitor)

    in_days(0)

    assert Conversation.objects.get() == young
    assert Visitor.objects.get() == old.visitor


@pytest.mark.parametrize("covers", [False, True])
def test_examples_stay_unless_the_bot_says_otherwise(covers: bool) -> None:
    bot = BotFactory(retention_days=30, retention_covers_examples=covers)
    dataset = DatasetFactory(bot=bot)
    for conversation in (talk(bot, days_ago=31), None):
        example = Example(dataset=dataset, conversation=conversation, locale="en")
        asked = "Where is my pot?" if conversation else "Is it blue?"
        said = [Turn("user", asked), Turn("assistant", "Yes.")]
        examples.save(example, said, author=None)
    version = freezing.freeze(dataset, author=None)

    in_days(0)

    version.refresh_from_db()
    assert Example.objects.count() == len(freezing.rows_of(version)) == (1 if covers else 2)
    assert not Example.objects.exclude(conversation=None).exists()


def test_no_transcript_stays_where_an_erasure_would_not_find_it() -> None:
    bot = BotFactory(retention_days=30)
    kept, old = talk(bot), talk(bot)
    corrected = []
    for conversation in (kept, old):
        asked = conversation.messages.get()
        reply = MessageFactory(
            conversation=conversation, role="assistant", reply_to=asked, text="Maybe."
        )
        correction = correcting.correct(reply, text="Within 30 days.", by=None)
        VotedCase.objects.create(
            bot=bot, message=reply, turns=correction.turns, locale="en", text="Maybe."
        )
        corrected.append(correction)
    Conversation.objects.filter(pk=old.pk).update(updated_at=timezone.now() - timedelta(days=31))

    counts = retention.apply()

    assert (counts["training.correction"], counts["training.votedcase"]) == (1, 1)
    assert Correction.objects.get() == corrected[0]
    assert VotedCase.objects.get().message == corrected[0].message
    # What is served and what is asked of models goes on without it.
    assert CuratedAnswer.objects.get().is_active
    assert [each.id for each in correcting.cases(bot)] == [str(corrected[0].public_id)]


def test_the_trail_counts_and_names_nobody() -> None:
    bot = BotFactory(retention_days=30)
    conversation = talk(bot, days_ago=31)

    call_command("apply_retention")

    entries = AuditEntry.objects.filter(action="retention.applied").order_by("pk")
    first = entries[0]
    assert (first.bot, '"chat.message":1' in first.facts) == (bot.slug, True)
    for each in entries:
        assert str(conversation.public_id) not in each.facts + each.target
        assert str(conversation.visitor.public_id) not in each.facts + each.target
