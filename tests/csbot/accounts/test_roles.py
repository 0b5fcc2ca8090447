"""Roles become groups, keep what administrators made of them, and say who needs a second factor."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Group, Permission, User

from csbot.accounts.founding import establish
from csbot.accounts.models import RoleGroup
from csbot.accounts.roles import ADMIN, APPS, AUDITOR, ROLES, Role, wants_second_factor
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "roles.md"


def _member(*names: str) -> User:
    user: User = UserFactory()
    user.groups.set(Group.objects.filter(name__in=names))
    return user


def test_every_role_is_a_group_after_migrate() -> None:
    assert {row.role for row in RoleGroup.objects.exclude(group=None)} == {r.slug for r in ROLES}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.slug)
def test_the_table_names_permissions_that_exist_and_groups_have_them(role: Role) -> None:
    held = _member(role.name).get_all_permissions()
    assert role.permissions <= held
    if not role.looks_at_everything:
        assert role.permissions == held


def test_auditors_look_at_everything_and_change_nothing() -> None:
    held = _member("Auditor").get_all_permissions()
    views = Permission.objects.filter(
        content_type__app_label__in=APPS, codename__startswith="view_"
    ).select_related("content_type")
    assert {f"{each.content_type.app_label}.{each.codename}" for each in views} <= held
    # Whole bots, files to take along, and looking again: none of it changes anything.
    harmless = ("view_", "export_a", "verify_audit", "work_on_all_bots")
    assert [each for each in held if not each.partition(".")[2].startswith(harmless)] == []


def test_admins_cannot_touch_the_audit_nor_approve_nor_train() -> None:
    held = _member("Admin").get_all_permissions()
    assert {each for each in held if "audit" in each} == {"moderation.view_auditentry"}
    assert held.isdisjoint(
        {
            "training.approve_example",
            "training.change_example",
            "training.add_trainingrun",
            "training.promote_modelversion",
            "auth.delete_user",
        }
    )


def test_what_an_administrator_took_away_stays_away() -> None:
    group = Group.objects.get(name="Agent")
    group.permissions.remove(Permission.objects.get(codename="assign_conversation"))
    establish()
    assert not group.permissions.filter(codename="assign_conversation").exists()


def test_what_an_administrator_added_and_renamed_stays() -> None:
    group = Group.objects.get(name="Agent")
    group.name = "Service desk"
    group.save()
    group.permissions.add(Permission.objects.get(codename="view_analytics"))
    establish()
    assert not Group.objects.filter(name="Agent").exists()
    assert group.permissions.filter(codename="view_analytics").exists()


def test_a_permission_that_is_new_with_an_update_is_given_once() -> None:
    row = RoleGroup.objects.select_related("group").get(role="agent")
    assert row.group is not None
    new = Permission.objects.get(codename="assign_conversation")
    row.group.permissions.remove(new)
    row.given = [name for name in row.given if name != "chat.assign_conversation"]
    row.save()
    establish()
    assert row.group.permissions.filter(pk=new.pk).exists()
    row.group.permissions.remove(new)
    establish()
    assert not row.group.permissions.filter(pk=new.pk).exists()


def test_a_role_that_was_deleted_is_not_founded_again() -> None:
    Group.objects.get(name="Curator").delete()
    establish()
    assert not Group.objects.filter(name="Curator").exists()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.slug)
def test_a_role_asks_for_a_second_factor_as_the_table_says(role: Role) -> None:
    assert wants_second_factor(_member(role.name)) == role.second_factor


def test_power_given_by_hand_asks_for_it_too() -> None:
    agent = _member("Agent")
    agent.user_permissions.add(Permission.objects.get(codename="work_on_all_bots"))
    assert not wants_second_factor(User.objects.get(pk=agent.pk))
    agent.user_permissions.add(Permission.objects.get(codename="approve_example"))
    assert wants_second_factor(User.objects.get(pk=agent.pk))
    assert wants_second_factor(UserFactory(is_superuser=True))


def test_duties_are_separated() -> None:
    """Writing and approving, training and overruling the gates, are never in one role."""
    for role in ROLES:
        assert not {"training.add_example", "training.approve_example"} <= role.permissions
        assert not {"training.add_trainingrun", "training.override_gate"} <= role.permissions
    assert not any(
        "auditentry" in each for each in ADMIN.permissions - {"moderation.view_auditentry"}
    )
    assert AUDITOR.looks_at_everything


def test_the_document_shows_the_table() -> None:
    text = DOCUMENT.read_text()
    for role in ROLES:
        assert f"**{role.name}**" in text
