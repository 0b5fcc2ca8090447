"""People with roles, for tests."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group, User
from guardian.shortcuts import assign_perm

from chat.models import Bot
from tests.factories import UserFactory


def person(*roles: str, bots: Iterable[Bot] = (), **more: Any) -> User:
    """Staff with these roles (by name), working on these bots."""
    user: User = UserFactory(**more)
    groups = list(Group.objects.filter(name__in=roles))
    assert len(groups) == len(roles), f"no such role among {roles}"
    user.groups.set(groups)
    for bot in bots:
        assign_perm("chat.work_on_bot", user, bot)
    return user
