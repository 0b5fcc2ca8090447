"""Where somebody may look: on bots granted to them, to a group of theirs, or everywhere."""

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from guardian.shortcuts import assign_perm, remove_perm

from chat.access import (
    NotFound,
    access_conversation_of,
    bots_of,
    conversations_of,
)
from chat.models import Bot, BotGrant, BotGroupGrant
from tests.factories import BotFactory, ConversationFactory, UserFactory, VisitorFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def bots() -> list[Bot]:
    return [BotFactory(), BotFactory()]


def test_nobody_works_on_a_bot_that_nobody_granted(bots: list[Bot]) -> None:
    assert not bots_of(UserFactory()).exists()
    assert not bots_of(AnonymousUser()).exists()


def test_a_bot_granted_to_a_person_is_theirs_and_no_other_is(bots: list[Bot]) -> None:
    user = UserFactory()
    assign_perm("chat.work_on_bot", user, bots[0])
    assert list(bots_of(user)) == [bots[0]]
    assert not bots_of(UserFactory()).exists()


def test_a_bot_granted_to_a_group_is_everybodys_in_it(bots: list[Bot]) -> None:
    group = Group.objects.create(name="night shift")
    assign_perm("chat.work_on_bot", group, bots[1])
    user = UserFactory()
    assert not bots_of(user).exists()
    user.groups.add(group)
    assert list(bots_of(user)) == [bots[1]]


def test_the_right_to_all_bots_covers_later_ones(bots: list[Bot]) -> None:
    user = UserFactory()
    user.user_permissions.add(Permission.objects.get(codename="work_on_all_bots"))
    later = BotFactory()
    assert set(bots_of(user)) == {*bots, later}


def test_another_permission_on_a_bot_does_not_open_it(bots: list[Bot]) -> None:
    user = UserFactory()
    assign_perm("chat.view_analytics", user, bots[0])
    assert not bots_of(user).exists()


@pytest.mark.parametrize("superuser", [False, True])
def test_a_disabled_person_works_on_nothing(bots: list[Bot], superuser: bool) -> None:
    user = UserFactory(is_superuser=superuser)
    assign_perm("chat.work_on_bot", user, bots[0])
    assert bots_of(user).exists()
    user.is_active = False
    user.save()
    assert not bots_of(User.objects.get(pk=user.pk)).exists()


def test_a_grant_that_is_taken_away_ends_at_once(bots: list[Bot]) -> None:
    user = UserFactory()
    assign_perm("chat.work_on_bot", user, bots[0])
    remove_perm("chat.work_on_bot", user, bots[0])
    assert not bots_of(user).exists()


def test_grants_end_with_their_bot_and_never_open_its_successor(bots: list[Bot]) -> None:
    user, group = UserFactory(), Group.objects.create(name="night shift")
    assign_perm("chat.work_on_bot", user, bots[0])
    assign_perm("chat.work_on_bot", group, bots[0])
    number = bots[0].pk
    bots[0].delete()
    assert not BotGrant.objects.exists()
    assert not BotGroupGrant.objects.exists()
    BotFactory(pk=number)
    assert not bots_of(user).exists()


def test_conversations_follow_their_bots(bots: list[Bot]) -> None:
    mine = ConversationFactory(visitor=VisitorFactory(bot=bots[0]))
    foreign = ConversationFactory(visitor=VisitorFactory(bot=bots[1]))
    user = UserFactory()
    assign_perm("chat.work_on_bot", user, bots[0])
    assert list(conversations_of(user)) == [mine]
    assert access_conversation_of(user, mine.public_id) == mine
    with pytest.raises(NotFound):
        access_conversation_of(user, foreign.public_id)


@pytest.mark.parametrize("wrong", [uuid.uuid4(), 10**30, -1, "", "nonsense", "１２"])
def test_what_does_not_exist_is_not_found(bots: list[Bot], wrong: Any) -> None:
    user = UserFactory(is_superuser=True)
    with pytest.raises(NotFound):
        access_conversation_of(user, wrong)
