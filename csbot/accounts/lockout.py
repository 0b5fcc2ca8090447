"""Guessing passwords and codes: counted for each address and each account, refused for a while.

An attempt is counted before the password is looked at and taken back when it was right: however
many come at once, no more than the limit are tried. An account is counted under any name, known
or not, so that nobody learns which names exist. What comes while a lock holds is not counted,
and so the lock ends by itself.
"""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from csbot.accounts.models import SignInAttempt


class LockedOut(Exception):
    """Too many attempts. ``seconds`` until the next one."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"locked for {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True)
class Limit:
    most: int
    within: timedelta


LIMITS = {
    "address": Limit(5, timedelta(minutes=5)),
    "account": Limit(10, timedelta(minutes=15)),
    # Codes have six digits, and a few are good at once.
    "code": Limit(5, timedelta(minutes=5)),
}
_LONGEST = max(limit.within for limit in LIMITS.values())


@contextmanager
def attempt(**keys: str) -> Iterator[list[SignInAttempt]]:
    """Count an attempt of each ``kind=key`` while the block looks whether it is right.

    Call :func:`was_right` on what the block gets, otherwise the attempt stays counted. Raises
    :class:`LockedOut` before the block when there were too many.
    """
    now = timezone.now()
    SignInAttempt.objects.filter(at__lt=now - _LONGEST).delete()
    rows = [
        SignInAttempt.objects.create(kind=kind, digest=_digest(key), at=now)
        for kind, key in keys.items()
    ]
    try:
        for row in rows:
            _check(row)
    except LockedOut:
        _forget(rows)
        raise
    yield rows


def was_right(rows: list[SignInAttempt]) -> None:
    """It was the right password: neither it nor earlier slips of this account count any more.

    Those of the address do: somebody may own one account and guess others.
    """
    _forget(rows)
    for row in rows:
        if row.kind != "address":
            SignInAttempt.objects.filter(kind=row.kind, digest=row.digest).delete()


def _check(row: SignInAttempt) -> None:
    limit = LIMITS[row.kind]
    since = row.at - limit.within
    counted = list(
        SignInAttempt.objects.filter(kind=row.kind, digest=row.digest, at__gt=since)
        .exclude(pk=row.pk)
        .order_by("-at")
        .values_list("at", flat=True)[: limit.most]
    )
    if len(counted) == limit.most:
        free = counted[-1] + limit.within - row.at
        raise LockedOut(max(1, round(free.total_seconds())))


def _forget(rows: list[SignInAttempt]) -> None:
    SignInAttempt.objects.filter(pk__in=[row.pk for row in rows]).delete()


def _digest(key: str) -> str:
    """People type passwords where names belong: what was typed is not kept."""
    secret = settings.SECRET_KEY.encode()
    return hmac.new(secret, key.casefold().encode(), hashlib.sha256).hexdigest()
