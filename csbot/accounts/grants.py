"""What somebody may do, and where: groups and grants, changed as one deed that leaves its trace."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.db.models import Model

from chat.models import Bot, BotGrant
from moderation.services import audit
from training.models import Dataset, DatasetGrant


class OwnRoles(Exception):
    """Nobody gives themselves a role."""


@dataclass(frozen=True)
class Access:
    """Roles by group, and where they count. Grants through groups are not in it."""

    groups: frozenset[int]
    bots: frozenset[int]
    datasets: frozenset[int]
    all_bots: bool

    @classmethod
    def of(cls, user: User) -> "Access":
        return cls(
            groups=frozenset(user.groups.values_list("pk", flat=True)),
            bots=_granted(BotGrant, user, "work_on_bot"),
            datasets=_granted(DatasetGrant, user, "work_on_dataset"),
            all_bots=_all_bots(user),
        )


@transaction.atomic
def change(user: User, wanted: Access, *, by: User) -> None:
    """Give and take until ``user`` has what is wanted. Raises :class:`OwnRoles`.

    It counts from the next request, and on open sockets within seconds.
    """
    had = Access.of(user)
    if wanted == had:
        return
    if user.pk == by.pk and not by.is_superuser:
        raise OwnRoles
    user.groups.set(wanted.groups)
    _regrant(BotGrant, Bot, user, "work_on_bot", had.bots, wanted.bots)
    _regrant(DatasetGrant, Dataset, user, "work_on_dataset", had.datasets, wanted.datasets)
    everywhere = Permission.objects.get(codename="work_on_all_bots", content_type__app_label="chat")
    if wanted.all_bots != had.all_bots:
        (user.user_permissions.add if wanted.all_bots else user.user_permissions.remove)(everywhere)
    audit.record(
        "role.changed",
        target=f"user:{user.pk}",
        facts={
            "roles_given": _names(Group, "name", wanted.groups - had.groups),
            "roles_taken": _names(Group, "name", had.groups - wanted.groups),
            "bots_given": _names(Bot, "slug", wanted.bots - had.bots),
            "bots_taken": _names(Bot, "slug", had.bots - wanted.bots),
            "datasets_given": _names(Dataset, "slug", wanted.datasets - had.datasets),
            "datasets_taken": _names(Dataset, "slug", had.datasets - wanted.datasets),
            "all_bots": wanted.all_bots,
        },
    )


def _all_bots(user: User) -> bool:
    return user.user_permissions.filter(
        codename="work_on_all_bots", content_type__app_label="chat"
    ).exists()


def _granted(
    grants: type[BotGrant] | type[DatasetGrant], user: User, codename: str
) -> frozenset[int]:
    rows = grants.objects.filter(user=user, permission__codename=codename)
    return frozenset(rows.values_list("content_object", flat=True))


def _regrant(
    grants: type[BotGrant] | type[DatasetGrant],
    model: type[Model],
    user: User,
    codename: str,
    had: Collection[int],
    wanted: Collection[int],
) -> None:
    permission = Permission.objects.get(
        codename=codename,
        content_type__app_label=model._meta.app_label,  # noqa: SLF001
    )
    grants.objects.filter(
        user=user, permission=permission, content_object__in=set(had) - set(wanted)
    ).delete()
    grants.objects.bulk_create(
        grants(user=user, permission=permission, content_object_id=pk)
        for pk in set(wanted) - set(had)
    )


def _names(model: type[Model], field: str, pks: Iterable[int]) -> list[str]:
    found = model._default_manager.filter(pk__in=pks)  # noqa: SLF001 - Django's own public name
    return sorted(str(name) for name in found.values_list(field, flat=True))
