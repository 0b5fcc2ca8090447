"""The keys of subjects: made with the first original of a scope, destroyed with the scope."""

from django.db import transaction

from moderation.encryption import (
    Undecipherable,
    new_key,
    rewrapped,
    sealed,
    unsealed,
    unwrapped,
    wrapped,
)
from moderation.models import SubjectKey
from moderation.services import audit

_BATCH = 500


def get_or_make(scope: str) -> bytes:
    """The key to seal with. Call it in the transaction that stores what is sealed."""
    stored = _stored(scope)
    if stored is None:
        mine = SubjectKey(scope=scope, wrapped=wrapped(new_key()))
        # A bot and its customer may need it at once: the first one made is everybody's.
        SubjectKey.objects.bulk_create([mine], ignore_conflicts=True)
        stored = _stored(scope)
        assert stored is not None
    return unwrapped(stored)


def key_of(scope: str) -> bytes:
    """The key to read with. Raises :class:`Undecipherable` where it was destroyed."""
    stored = _stored(scope)
    if stored is None:
        raise Undecipherable
    return unwrapped(stored)


def seal(scope: str, text: str, *, place: str) -> bytes:
    """``text`` under the key of ``scope``, readable at ``place`` alone: the row it belongs to.

    Call it in the transaction that stores it.
    """
    return sealed(text, get_or_make(scope), place=place)


def unseal(scope: str, stored: bytes, *, place: str) -> str:
    """Raises :class:`~moderation.encryption.Undecipherable`."""
    return unsealed(stored, key_of(scope), place=place)


def rewrap_all() -> int:
    """Wrap every key with the newest data key, so that older ones can go; returns how many.

    May be stopped and begun again: each batch is a transaction of its own, with its entry in the
    audit trail. Raises :class:`Undecipherable` when no data key fits one.
    """
    done = last = 0
    while rewrapped_now := _rewrap_after(last):
        done, last = done + len(rewrapped_now), rewrapped_now[-1].pk
    return done


@transaction.atomic
def _rewrap_after(last: int) -> list[SubjectKey]:
    # Locked: one that is destroyed meanwhile stays destroyed.
    found = SubjectKey.objects.select_for_update().filter(pk__gt=last).order_by("pk")
    batch = list(found[:_BATCH])
    for each in batch:
        each.wrapped = rewrapped(bytes(each.wrapped))
    SubjectKey.objects.bulk_update(batch, ["wrapped"])
    if batch:
        audit.record("data_keys.rotated", facts={"subject_keys": len(batch)})
    return batch


def _stored(scope: str) -> bytes | None:
    found = SubjectKey.objects.filter(scope=scope).values_list("wrapped", flat=True).first()
    return None if found is None else bytes(found)
