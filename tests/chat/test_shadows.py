"""A candidate answers unseen: no customer waits for it, sees it or meets it, and it goes with them."""

import threading
import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.inference.engine import ChatMessage, Engine, GenerationParams
from chat.inference.opening import EngineSpec
from chat.knowledge import sameness
from chat.knowledge.sameness import Comparison, Said
from chat.models import Bot, Conversation, Message, Shadow, ShadowAnswer, Visitor
from chat.selectors import deployment_of, deployments_before
from chat.services import deploying, erasing, shadow_answers, shadowing
from chat.services.deploying import Model
from chat.services.shadowing import Sample
from moderation.models import AuditEntry, Original
from tests.chat.scripted import ask, settled
from tests.chat.test_swapping import put, swapping_runner, until
from tests.chat.versioned import Opener, Versioned, answer_of
from tests.factories import (
    BotFactory,
    ConversationFactory,
    ReplyFactory,
    ShadowAnswerFactory,
)


def shadow_of(bot: Bot, artifact: str = "two", *, share: int = 100, limit: int = 100) -> Shadow:
    return shadowing.begin(
        bot,
        Model(artifact, engine="echo"),
        Sample(share, limit),
        beside=bot.deployments.get(is_active=True),
    )


def begun(artifact: str = "two", **sample: int) -> Shadow:
    bot = BotFactory.create()
    put(bot, "one")
    return shadow_of(bot, artifact, **sample)


def answered(shadow: Shadow, **fields: Any) -> Message:
    """A reply that the champion wrote for a customer."""
    written = {"status": "sent", "source": "model", "deployment": shadow.champion}
    reply: Message = ReplyFactory.create(
        conversation__visitor__bot=shadow.bot, text="As ever.", **{**written, **fields}
    )
    return reply


def claimed(shadow: Shadow, owner: str = "me") -> ShadowAnswer | None:
    return shadow_answers.claim(owner=owner, candidates=[shadow.candidate_id])


def said(text: str = "Otherwise.", *, difference: str = "far") -> shadow_answers.Answered:
    return shadow_answers.Answered(text, "model", Comparison(0.5, difference), 0.2)


# The sample


@given(shadow=st.uuids(), reply=st.uuids(), small=st.integers(1, 100), large=st.integers(1, 100))
@settings(max_examples=50, deadline=None)
def test_the_sample_is_the_same_on_every_machine_and_grows_with_the_share(
    shadow: uuid.UUID, reply: uuid.UUID, small: int, large: int
) -> None:
    small, large = sorted((small, large))
    one, again = (Shadow(public_id=shadow, share=small) for _ in range(2))

    assert one.is_sampled(reply) is again.is_sampled(reply)
    assert not one.is_sampled(reply) or Shadow(public_id=shadow, share=large).is_sampled(reply)


@pytest.mark.parametrize("share", [1, 25, 100])
def test_the_sample_is_as_large_as_its_share(share: int) -> None:
    shadow = Shadow(public_id=uuid.UUID(int=7), share=share)

    found = sum(shadow.is_sampled(uuid.UUID(int=n)) for n in range(20_000))

    assert found / 20_000 == pytest.approx(share / 100, abs=0.012)


@pytest.mark.django_db
def test_each_reply_of_the_sample_is_drawn_once_by_one_runner() -> None:
    shadow = begun(share=50)
    replies = [answered(shadow) for _ in range(30)]

    drawn: list[Message] = []
    while answer := claimed(shadow, f"runner {len(drawn) % 2}"):
        drawn.append(answer.message)

    assert drawn == [each for each in replies if shadow.is_sampled(each.public_id)]
    assert 0 < len(drawn) < 30


@pytest.mark.django_db
def test_only_what_the_champions_model_had_to_do_with_is_drawn() -> None:
    earlier = begun()
    answered(earlier)
    shadow_answers.end(earlier, Shadow.Reason.STOPPED)
    shadow = shadow_of(earlier.bot)
    answered(shadow, source="curated")
    answered(shadow, deployment=None)
    answered(shadow, status="cancelled")
    ReplyFactory.create(status="sent", source="model", deployment=shadow.champion)
    late, wanted = answered(shadow), answered(shadow)
    Message.objects.filter(pk=late.pk).update(created_at=timezone.now() - timedelta(hours=1))

    first, second = claimed(shadow), claimed(shadow)

    assert first is not None
    assert (first.message, second) == (wanted, None)


@pytest.mark.django_db
def test_nothing_is_drawn_past_a_reply_that_is_still_being_written() -> None:
    shadow = begun()
    running = answered(shadow, status="generating")
    behind = answered(shadow)
    assert claimed(shadow) is None

    Message.objects.filter(pk=running.pk).update(status="sent")

    assert [claimed(shadow).message for _ in "ab"] == [running, behind]  # type: ignore[union-attr]


# The queue


@pytest.mark.django_db
def test_what_gave_way_is_taken_again_and_costs_no_attempt() -> None:
    shadow = begun()
    answered(shadow)
    first = claimed(shadow)
    assert first is not None
    assert shadow_answers.release(first)
    again = claimed(shadow, "another")
    assert again is not None
    assert (again.pk, again.attempts, again.lease_owner) == (first.pk, 1, "another")
    assert not shadow_answers.settle(first, said()), "it is another runner's"


@pytest.mark.django_db
def test_what_is_lost_with_its_runner_three_times_or_comes_too_late_has_failed() -> None:
    shadow = begun()
    answered(shadow)
    for _ in range(3):
        assert claimed(shadow) is not None
        ShadowAnswer.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert claimed(shadow) is None
    late = answered(shadow)
    taken = claimed(shadow)
    assert taken is not None
    shadow_answers.release(taken)
    Message.objects.filter(pk=late.pk).update(created_at=timezone.now() - timedelta(hours=1))
    assert claimed(shadow) is None
    assert list(ShadowAnswer.objects.values_list("status", "code").order_by("pk")) == [
        ("failed", "lost"),
        ("failed", "late"),
    ]


@pytest.mark.django_db
def test_it_ends_when_all_answers_are_there() -> None:
    shadow = begun(limit=2)
    for _ in range(3):
        answered(shadow)
    first, second = claimed(shadow), claimed(shadow)
    assert first is not None
    assert second is not None
    assert claimed(shadow) is None, "no more than the limit is begun"
    shadow_answers.settle(first, said())
    shadow_answers.fail(second, "engine_error")
    shadow.refresh_from_db()
    assert (shadow.reason, shadow.ended_at is not None) == ("finished", True)
    assert AuditEntry.objects.filter(action="shadow.ended").count() == 1


@pytest.mark.django_db
def test_a_bot_has_one_at_a_time_and_a_promotion_ends_it() -> None:
    shadow = begun()
    answered(shadow)
    claimed(shadow)
    with pytest.raises(shadowing.AlreadyShadowed):
        shadow_of(shadow.bot, "three")
    served = put(shadow.bot, "four")

    shadow.refresh_from_db()
    assert shadow.reason == "outdated"
    assert not ShadowAnswer.objects.exists(), "what was begun is dropped"
    # Nobody goes back to what never served anybody.
    assert list(deployments_before(served)) == [shadow.champion]


@pytest.mark.django_db
def test_beside_what_serves_no_more_none_begins() -> None:
    bot = BotFactory.create()
    before = put(bot, "one")
    put(bot, "two")

    with pytest.raises(deploying.Outdated):
        shadowing.begin(bot, Model("three", engine="echo"), Sample(10, 10), beside=before)
    assert not Shadow.objects.exists()


# Privacy


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["visitor", "retention"])
def test_it_goes_with_the_customers_words(how: str) -> None:
    answer = ShadowAnswerFactory.create()
    conversation = answer.message.conversation
    rows: Any = type(conversation.visitor).objects.filter(pk=conversation.visitor_id)
    if how == "retention":
        rows = type(conversation).objects.filter(pk=conversation.pk)
    found = erasing.belongings(conversation.bot, [conversation])

    assert erasing.count(rows, found)["chat.shadowanswer"] == 1
    erasing.erase(rows, found, with_wordings=how == "visitor")

    assert not ShadowAnswer.objects.exists()
    assert not shadow_answers.settle(answer, said()), "one that is being written is not kept"
    assert Shadow.objects.exists()


# A runner at work


class Waiting(Versioned):
    """Says one word, and the rest when it may."""

    def __init__(self, spec: EngineSpec) -> None:
        super().__init__(spec)
        self.began = threading.Event()
        self.may_end = threading.Event()
        self.cancelled: list[str] = []

    def stream(
        self, request_id: str, messages: Sequence[ChatMessage], params: GenerationParams
    ) -> Iterator[str]:
        words = super().stream(request_id, messages, params)
        yield next(words)
        if params.max_new_tokens > 1 and messages[-1]["content"].startswith("Is it"):
            self.began.set()
            while not self.may_end.wait(0.02):
                if request_id in self.cancelled:
                    return
        yield from words

    def cancel(self, request_id: str) -> None:
        self.cancelled.append(request_id)


class WaitingOpener(Opener):
    """Its candidate ("two") waits, what serves does not."""

    waiting: Waiting | None = None

    def __call__(self, spec: EngineSpec) -> Engine:
        assert spec.artifact is not None
        if spec.artifact.name != "two":
            return super().__call__(spec)
        self.waiting = Waiting(spec)
        return self.waiting


def all_answered(count: int = 1) -> bool:
    return ShadowAnswer.objects.filter(status="answered").count() == count


@pytest.mark.django_db(transaction=True)
async def test_it_answers_unseen_and_the_customer_meets_what_serves() -> None:
    shadow = await database_sync_to_async(begun)()
    conversation = await database_sync_to_async(ConversationFactory)(visitor__bot=shadow.bot)
    layer = get_channel_layer()
    assert layer is not None
    channel = await layer.new_channel()
    for group in (conversation.group, conversation.staff_group):
        await layer.group_add(group, channel)
    async with swapping_runner(Opener()) as runner:
        shelf = runner.shelves.engines
        await until(lambda: shelf.beside() == [shadow.candidate_id])
        reply = await settled(await ask(conversation, "Is it here?"))
        await until(all_answered)
        assert await database_sync_to_async(deployment_of)(conversation.visitor) == shadow.champion
        await layer.group_send(conversation.group, {"type": "event", "frame": "last"})
        heard: list[dict[str, Any]] = []
        while not heard or heard[-1].get("frame") != "last":
            heard.append(await layer.receive(channel))
        await database_sync_to_async(shadow_answers.end)(shadow, Shadow.Reason.STOPPED)
        await until(lambda: shelf.beside() == [])

    answer = await ShadowAnswer.objects.aget()
    assert (reply.text, reply.deployment_id) == (answer_of("one"), shadow.champion_id)
    assert (answer.message_id, answer.text, answer.source) == (reply.pk, answer_of("two"), "model")
    assert answer.same_meaning is False
    assert answer.latency is not None
    assert "two.a" not in str(heard)
    assert "one.a" in str(heard)
    assert await Message.objects.filter(conversation=conversation).acount() == 2


@pytest.mark.django_db(transaction=True)
async def test_nothing_of_it_gets_into_the_answer_cache() -> None:
    from chat.answer_cache import AnswerCache

    shadow = await database_sync_to_async(begun)()
    kept: list[str] = []

    class Watched(AnswerCache):
        def note_asked(self, key: str, visitor: str) -> int:
            kept.append(key)
            return super().note_asked(key, visitor)

        def find(self, key: str) -> Any:
            kept.append(key)
            return super().find(key)

    async with swapping_runner(Opener()) as runner:
        object.__setattr__(runner.shelves, "cache", Watched())
        await until(lambda: runner.shelves.engines.beside() == [shadow.candidate_id])
        conversation = await database_sync_to_async(ConversationFactory)(visitor__bot=shadow.bot)
        await settled(await ask(conversation, "Is it here?"))
        before = len(kept)
        await until(all_answered)
    assert before > 0
    assert len(kept) == before


@pytest.mark.django_db(transaction=True)
async def test_a_customer_always_goes_first() -> None:
    """With one seat, and a candidate that would never end."""
    shadow = await database_sync_to_async(begun)()
    opener = WaitingOpener()
    async with swapping_runner(opener, seats=1) as runner:
        await until(lambda: runner.shelves.engines.beside() == [shadow.candidate_id])
        conversations = [
            await database_sync_to_async(ConversationFactory)(visitor__bot=shadow.bot)
            for _ in range(2)
        ]
        await settled(await ask(conversations[0], "Is it here?"))
        engine = opener.waiting
        assert engine is not None
        await until(engine.began.is_set)
        unseen = await ShadowAnswer.objects.aget()

        second = await settled(await ask(conversations[1], "Is it there?"))

        assert second.text == answer_of("one")
        assert str(unseen.public_id) in engine.cancelled
        engine.may_end.set()
        await until(lambda: all_answered(2))
    await unseen.arefresh_from_db()
    assert (unseen.text, unseen.attempts) == (answer_of("two"), 1)


def forgotten(conversation: Conversation) -> None:
    """Its visitor is erased."""
    found = erasing.belongings(conversation.bot, [conversation])
    rows = Visitor.objects.filter(pk=conversation.visitor_id)
    erasing.erase(rows, found, with_wordings=True)


@pytest.mark.django_db(transaction=True)
async def test_of_a_customer_who_is_erased_meanwhile_nothing_is_kept() -> None:
    shadow = await database_sync_to_async(begun)()

    class Naming(Waiting):
        def stream(self, *args: Any) -> Iterator[str]:
            yield "Write to ann.miller@example.com now. "
            yield from super().stream(*args)

    class NamingOpener(WaitingOpener):
        def __call__(self, spec: EngineSpec) -> Engine:
            assert spec.artifact is not None
            if spec.artifact.name != "two":
                return super().__call__(spec)
            self.waiting = Naming(spec)
            return self.waiting

    opener = NamingOpener()
    async with swapping_runner(opener) as runner:
        await until(lambda: runner.shelves.engines.beside() == [shadow.candidate_id])
        conversation = await database_sync_to_async(ConversationFactory)(visitor__bot=shadow.bot)
        await settled(await ask(conversation, "Is it here?"))
        engine = opener.waiting
        assert engine is not None
        await until(engine.began.is_set)

        await database_sync_to_async(forgotten)(conversation)

        engine.may_end.set()
        await until(lambda: runner.shadow is None)
    assert not await ShadowAnswer.objects.aexists()
    assert not await Original.objects.aexists()


@pytest.mark.django_db(transaction=True)
async def test_it_is_moderated_like_what_customers_see() -> None:
    shadow = await database_sync_to_async(begun)()

    class Telling(Versioned):
        def stream(self, *args: Any) -> Iterator[str]:
            yield from (
                super().stream(*args)
                if self.version == "one"
                else iter(["Write ", "to ", "ann.miller@example.com", " now."])
            )

    class TellingOpener(Opener):
        def __call__(self, spec: EngineSpec) -> Engine:
            return Telling(spec)

    async with swapping_runner(TellingOpener()) as runner:
        await until(lambda: runner.shelves.engines.beside() == [shadow.candidate_id])
        conversation = await database_sync_to_async(ConversationFactory)(visitor__bot=shadow.bot)
        await settled(await ask(conversation, "Is it here?"))
        await until(all_answered)
    answer = await ShadowAnswer.objects.aget()
    assert answer.text.startswith("Write to [")
    assert "ann.miller" not in answer.text


@pytest.mark.django_db(transaction=True)
async def test_a_candidate_that_cannot_be_loaded_is_nobodys_trouble() -> None:
    shadow = await database_sync_to_async(begun)("damaged")
    opener = Opener()
    opener.damaged.add("damaged")
    async with swapping_runner(opener):
        await until(lambda: "damaged" in Shadow.objects.get(pk=shadow.pk).trouble)
        conversation = await database_sync_to_async(ConversationFactory)(visitor__bot=shadow.bot)
        assert (await settled(await ask(conversation))).text == answer_of("one")
    assert not await ShadowAnswer.objects.aexists()


# What differs in meaning


def test_the_same_approved_answer_is_the_same_whatever_the_words() -> None:
    assert sameness.at_a_glance(Said("Yes.", 3), Said("Of course!", 3)) == Comparison(None)
    assert sameness.at_a_glance(Said("Yes.", 3), Said("Of course!", 4)) is None


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [("", "", ""), ("", "Yes.", "silence"), ("It is 5 EUR.", "it is 5 eur", "")],
)
def test_some_differences_need_no_embedder(one: str, other: str, difference: str) -> None:
    found = sameness.at_a_glance(Said(one), Said(other))
    assert found is not None
    assert (found.difference, found.is_same) == (difference, not difference)


@pytest.mark.parametrize(
    ("one", "other", "likeness", "difference"),
    [
        ("You can return it.", "Returns are possible.", 0.97, ""),
        ("You can return it.", "Our shop is in Bonn.", 0.4, "far"),
        ("You have 30 days to return it.", "You have 14 days to return it.", 0.99, "unit"),
        ("You can return it.", "You cannot return it.", 0.99, "negation"),
        ("您可以退货。", "您不可以退货。", 0.99, "negation"),
    ],
)
def test_likeness_does_not_hide_a_contradiction(
    one: str, other: str, likeness: float, difference: str
) -> None:
    found = sameness.compare(Said(one), Said(other), likeness, threshold=0.95)
    assert found.difference == difference
