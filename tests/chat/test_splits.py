"""A challenger beside the champion: each visitor has one of them, and its trouble is nobody's."""

import uuid

import pytest
from channels.db import database_sync_to_async
from django.db import IntegrityError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.models import Bot, Conversation, Message, Split
from chat.selectors import deployment_of, deployments_before
from chat.services import deploying, splitting
from chat.services.deploying import Model
from tests.chat.scripted import ask, settled
from tests.chat.test_swapping import put, swapping_runner, until
from tests.chat.versioned import Opener, answer_of
from tests.factories import BotFactory, ConversationFactory


def split_of(bot: Bot, artifact: str = "two", share: int = 50) -> Split:
    return splitting.begin(
        bot, Model(artifact, engine="echo"), share, beside=bot.deployments.get(is_active=True)
    )


def conversation_of(split: Split, *, challengers: bool) -> Conversation:
    """With a visitor of that arm."""
    while True:
        conversation: Conversation = ConversationFactory.create(visitor__bot=split.bot)
        if split.is_challengers(conversation.visitor.public_id) is challengers:
            return conversation


@given(split=st.uuids(), visitor=st.uuids(), small=st.integers(1, 50), large=st.integers(1, 50))
@settings(max_examples=50, deadline=None)
def test_a_visitor_keeps_the_arm_on_every_machine(
    split: uuid.UUID, visitor: uuid.UUID, small: int, large: int
) -> None:
    small, large = sorted((small, large))
    one, again = (Split(public_id=split, share=small) for _ in range(2))

    assert one.is_challengers(visitor) is again.is_challengers(visitor)
    assert not one.is_challengers(visitor) or Split(public_id=split, share=large).is_challengers(
        visitor
    )


@pytest.mark.parametrize("share", [1, 10, 50])
def test_the_challenger_gets_its_share_of_the_visitors(share: int) -> None:
    split = Split(public_id=uuid.UUID(int=7), share=share)

    found = sum(split.is_challengers(uuid.UUID(int=n)) for n in range(20_000))

    assert found / 20_000 == pytest.approx(share / 100, abs=0.012)


@pytest.mark.django_db
def test_a_bot_has_one_open_split_and_a_promotion_ends_it() -> None:
    bot = BotFactory.create()
    put(bot, "one")
    split = split_of(bot)
    with pytest.raises(splitting.AlreadySplit):
        split_of(bot, "three")
    with pytest.raises(IntegrityError), transaction.atomic():
        Split.objects.create(
            bot=bot, champion=split.champion, challenger=split.challenger, share=10
        )

    served = put(bot, "three")

    split.refresh_from_db()
    assert split.ended_at is not None
    assert splitting.end(split) is False
    # Nobody goes back to what never served everybody.
    assert list(deployments_before(served)) == [split.champion]


@pytest.mark.django_db
def test_a_split_beside_what_serves_no_more_is_refused() -> None:
    bot = BotFactory.create()
    before = put(bot, "one")
    put(bot, "two")

    with pytest.raises(deploying.Outdated):
        splitting.begin(bot, Model("three", engine="echo"), 10, beside=before)


@pytest.mark.django_db
def test_ready_answers_are_looked_up_for_the_visitors_own_deployment() -> None:
    bot = BotFactory.create()
    put(bot, "one")
    split = split_of(bot)
    mine, other = (conversation_of(split, challengers=arm) for arm in (True, False))

    assert deployment_of(mine.visitor) == split.challenger
    assert deployment_of(other.visitor) == split.champion
    splitting.end(split)
    assert deployment_of(mine.visitor) == split.champion


async def answered(conversation: Conversation) -> tuple[str, int | None]:
    reply = await settled(await ask(conversation, f"Is it {uuid.uuid4()}?"))
    assert reply.status == Message.Status.SENT
    return reply.text, reply.deployment_id


def begun(artifact: str = "two") -> tuple[Split, Conversation, Conversation]:
    bot = BotFactory.create()
    put(bot, "one")
    split = split_of(bot, artifact)
    return (
        split,
        conversation_of(split, challengers=True),
        conversation_of(split, challengers=False),
    )


@pytest.mark.django_db(transaction=True)
async def test_each_visitor_is_answered_by_their_own_until_the_split_ends() -> None:
    split, mine, other = await database_sync_to_async(begun)()
    async with swapping_runner(Opener()) as runner:
        shelf = runner.shelves.engines
        await until(lambda: shelf.beside() == [split.challenger_id])
        assert await answered(mine) == (answer_of("two"), split.challenger_id)
        assert await answered(other) == (answer_of("one"), split.champion_id)

        await database_sync_to_async(splitting.end)(split)

        assert await answered(mine) == (answer_of("one"), split.champion_id)
        await until(lambda: shelf.beside() == [])


@pytest.mark.django_db(transaction=True)
async def test_a_challenger_that_cannot_be_loaded_leaves_everybody_to_the_champion() -> None:
    split, mine, _ = await database_sync_to_async(begun)("damaged")
    opener = Opener()
    opener.damaged.add("damaged")
    async with swapping_runner(opener):
        await until(lambda: bool(Split.objects.get(pk=split.pk).trouble))
        assert await answered(mine) == (answer_of("one"), split.champion_id)
