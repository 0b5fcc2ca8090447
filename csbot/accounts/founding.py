"""Roles become groups, after every ``migrate``.

Django makes the rows of permissions after all migrations, so nothing earlier can hand them out.
What a group was given once it is not given again: administrators change groups as they like, and
an update brings only permissions that are new to it.
"""

from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import DEFAULT_DB_ALIAS, transaction

from csbot.accounts.models import RoleGroup
from csbot.accounts.roles import APPS, ROLES, Role


def establish(using: str = DEFAULT_DB_ALIAS, **_signal: Any) -> None:
    """Found groups that are missing, and give each what the table newly gives its role."""
    # Each app makes its permissions in its own turn, and ours may come first.
    for app in APPS:
        create_permissions(apps.get_app_config(app), verbosity=0, using=using)
    with transaction.atomic(using=using):
        existing = _permissions(using)
        known = {row.role: row for row in RoleGroup.objects.using(using).select_related("group")}
        for role in ROLES:
            row = known.get(role.slug) or _found(role, using)
            if row.group is not None:
                _give(row, row.group, _wanted(role, existing), existing)


def _found(role: Role, using: str) -> RoleGroup:
    group, _created = Group.objects.using(using).get_or_create(name=role.name)
    return RoleGroup.objects.using(using).create(role=role.slug, group=group)


def _give(row: RoleGroup, group: Group, wanted: set[str], existing: dict[str, Permission]) -> None:
    new = wanted - set(row.given)
    if not new:
        return
    group.permissions.add(*(existing[name] for name in new))
    row.given = sorted(new.union(row.given))
    row.save(update_fields=["given"])


def _wanted(role: Role, existing: dict[str, Permission]) -> set[str]:
    """What exists of it. Apps that are not there yet bring theirs with the update that adds them."""
    seen = {name for name in existing if name.partition(".")[2].startswith("view_")}
    return (set(role.permissions) & existing.keys()) | (seen if role.looks_at_everything else set())


def _permissions(using: str) -> dict[str, Permission]:
    rows = Permission.objects.using(using).filter(content_type__app_label__in=APPS)
    return {
        f"{each.content_type.app_label}.{each.codename}": each
        for each in rows.select_related("content_type")
    }
