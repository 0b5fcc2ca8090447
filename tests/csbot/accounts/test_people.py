"""The pages where administrators give roles, and what they cannot do there."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from chat.access import bots_of
from csbot.accounts import grants
from csbot.accounts.grants import Access
from moderation.models import AuditEntry
from tests.csbot.accounts.people import person
from tests.factories import BotFactory, DatasetFactory
from training.access import datasets_of

pytestmark = pytest.mark.django_db

LIST = "admin:auth_user_changelist"
CHANGE = "admin:auth_user_change"


@pytest.fixture
def admin() -> User:
    return person("Admin", username="chief")


@pytest.fixture
def console(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def _sent(user: User, *roles: str, **more: Any) -> dict[str, Any]:
    groups = Group.objects.filter(name__in=roles)
    return {
        "username": user.username,
        "is_active": "on",
        "is_staff": "on",
        "groups": [each.pk for each in groups],
        **more,
    }


def test_roles_and_bots_are_given_on_one_page_and_recorded(console: Client) -> None:
    user, bot, dataset = person(), BotFactory(), DatasetFactory()
    page = console.get(reverse(CHANGE, args=[user.pk])).content.decode()
    assert "Answers customers: takes over" in page

    sent = _sent(user, "Agent", "Curator", bots=[bot.pk], datasets=[dataset.pk])
    assert console.post(reverse(CHANGE, args=[user.pk]), sent).status_code == 302

    user = User.objects.get(pk=user.pk)
    assert user.has_perm("chat.answer_conversation")
    assert list(bots_of(user)) == [bot]
    assert list(datasets_of(user)) == [dataset]
    entry = AuditEntry.objects.get(action="role.changed")
    assert '"roles_given":["Agent","Curator"]' in entry.facts
    assert entry.actor_name == "chief"


def test_what_is_taken_away_is_gone(console: Client) -> None:
    bot = BotFactory()
    user = person("Agent", bots=[bot])
    console.post(reverse(CHANGE, args=[user.pk]), _sent(user))
    user = User.objects.get(pk=user.pk)
    assert not user.has_perm("chat.answer_conversation")
    assert not bots_of(user).exists()


def test_nothing_is_recorded_where_nothing_changed(console: Client) -> None:
    bot = BotFactory()
    user = person("Agent", bots=[bot])
    console.post(reverse(CHANGE, args=[user.pk]), _sent(user, "Agent", bots=[bot.pk]))
    assert not AuditEntry.objects.filter(action="role.changed").exists()


def test_nobody_gives_themselves_a_role(console: Client, admin: User) -> None:
    sent = _sent(admin, "Admin", "Approver")
    console.post(reverse(CHANGE, args=[admin.pk]), sent)
    assert not User.objects.get(pk=admin.pk).has_perm("training.approve_example")


def test_administrators_touch_no_superuser_and_make_none(console: Client) -> None:
    boss = person(is_superuser=True)
    sent = _sent(boss, username="hacked")
    assert console.post(reverse(CHANGE, args=[boss.pk]), sent).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[boss.pk])
    assert console.get(password).status_code == 403
    user = person()
    console.post(reverse(CHANGE, args=[user.pk]), _sent(user, is_superuser="on"))
    assert not User.objects.get(pk=user.pk).is_superuser


def test_people_are_disabled_and_not_deleted(console: Client) -> None:
    user = person()
    assert console.get(reverse("admin:auth_user_delete", args=[user.pk])).status_code == 403


def test_grants_that_an_administrator_cannot_see_stay() -> None:
    hidden, seen = BotFactory(), BotFactory()
    user = person("Agent", bots=[hidden])
    local = person("Admin", bots=[seen])
    for group in local.groups.all():
        group.permissions.remove(*group.permissions.filter(codename="work_on_all_bots"))
    client = Client()
    client.force_login(User.objects.get(pk=local.pk))
    page = client.get(reverse(CHANGE, args=[user.pk])).content.decode()
    assert hidden.name not in page.split('name="datasets"')[0].split('id="id_bots"')[-1]
    client.post(reverse(CHANGE, args=[user.pk]), _sent(user, "Agent", bots=[seen.pk]))
    assert set(bots_of(User.objects.get(pk=user.pk))) == {hidden, seen}


def test_auditors_look_and_change_nothing(client: Client) -> None:
    user = person("Agent", bots=[BotFactory(name="Shop")])
    client.force_login(person("Auditor"))
    page = client.get(reverse(CHANGE, args=[user.pk]))
    assert "Shop" in page.content.decode()
    assert client.post(reverse(CHANGE, args=[user.pk]), _sent(user)).status_code == 403


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_for_more_people(
    console: Client, django_assert_max_num_queries: Any, count: int
) -> None:
    for _ in range(count):
        person("Agent", bots=[BotFactory()])
    console.get(reverse(LIST))
    with django_assert_max_num_queries(14):
        assert console.get(reverse(LIST)).status_code == 200


def test_a_role_is_changed_and_recorded(console: Client) -> None:
    group = Group.objects.get(name="Agent")
    page = console.get(reverse("admin:auth_group_change", args=[group.pk]))
    assert page.status_code == 200
    assert "Answers customers" in page.content.decode()
    kept = list(
        group.permissions.exclude(codename="assign_conversation").values_list("pk", flat=True)
    )
    console.post(
        reverse("admin:auth_group_change", args=[group.pk]), {"name": "Agent", "permissions": kept}
    )
    assert not group.permissions.filter(codename="assign_conversation").exists()
    assert '"taken":["assign_conversation"]' in AuditEntry.objects.get(action="role.defined").facts


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_nobody_gives_permissions_to_a_role_of_their_own(
    console: Client, admin: User, language: str
) -> None:
    own = admin.groups.get()
    had = set(own.permissions.values_list("pk", flat=True))
    wanted = Permission.objects.get(codename="approve_example")
    assert wanted.pk not in had
    where = reverse("admin:auth_group_change", args=[own.pk])

    page = console.get(where, headers={"Accept-Language": language}).content.decode()
    assert 'name="permissions"' not in page
    says = {"en": "a role of your own", "zh-hans": "您自己所属的角色"}
    assert says[language] in page
    sent = {"name": "Chiefs", "permissions": [*had, wanted.pk]}
    assert console.post(where, sent).status_code == 302

    own.refresh_from_db()
    assert own.name == "Chiefs"
    assert set(own.permissions.values_list("pk", flat=True)) == had
    assert not User.objects.get(pk=admin.pk).has_perm("training.approve_example")


def test_a_superuser_defines_every_role(admin_client: Client, admin_user: User) -> None:
    group = Group.objects.create(name="Night shift")
    admin_user.groups.add(group)
    wanted = Permission.objects.get(codename="approve_example")

    admin_client.post(
        reverse("admin:auth_group_change", args=[group.pk]),
        {"name": "Night shift", "permissions": [wanted.pk]},
    )

    assert list(group.permissions.all()) == [wanted]


def test_the_service_refuses_own_roles(admin: User) -> None:
    wanted = Access(frozenset(), frozenset(), frozenset(), all_bots=True)
    with pytest.raises(grants.OwnRoles):
        grants.change(admin, wanted, by=admin)
