"""Who has the inbox open. Kept in Valkey for half a minute: who vanished is gone by then.

Without Valkey nobody is known to be there, and everything else works.
"""

import time

from django.conf import settings
from django.contrib.auth.models import User

from chat.access import bots_of
from chat.cache.valkey import shared
from chat.inbox.events import PersonData
from chat.inbox.presentation import person_data
from chat.services.publishing import group_send

KEY = "csbot:inbox:present"
GROUP = "inbox.presence"
SECONDS = 30.0
REFRESH_SECONDS = 10.0


def arrive(user: User, socket: str) -> None:
    """``socket`` of ``user`` is open, or still is: call it more often than every ``SECONDS``."""
    before = _present()
    client = shared(settings.VALKEY_URL).client

    def write() -> None:
        with client.pipeline() as pipe:
            pipe.zadd(KEY, {_member(user.pk, socket): time.time()})
            pipe.zremrangebyscore(KEY, 0, time.time() - SECONDS)
            pipe.expire(KEY, int(SECONDS) + 1)
            pipe.execute()

    shared(settings.VALKEY_URL).attempt(write, None)
    if user.pk not in before:
        group_send(GROUP, "presence", {})


def depart(user: User, socket: str) -> None:
    """``socket`` is closed. The user is gone once the last of theirs is."""
    client = shared(settings.VALKEY_URL).client
    shared(settings.VALKEY_URL).attempt(lambda: client.zrem(KEY, _member(user.pk, socket)), None)
    if user.pk not in _present():
        group_send(GROUP, "presence", {})


def people(user: User) -> list[PersonData]:
    """Those present who share a bot with ``user``, and ``user``, by name."""
    mine = bots_of(user)
    found = User.objects.filter(pk__in=_present(), is_active=True)
    shown = [each for each in found if each == user or bots_of(each).filter(pk__in=mine).exists()]
    return sorted(map(person_data, shown), key=lambda person: person["name"])


def _present() -> set[int]:
    client = shared(settings.VALKEY_URL).client

    def read() -> set[int]:
        found = client.zrangebyscore(KEY, time.time() - SECONDS, "+inf")
        return {int(str(member).partition(":")[0]) for member in found}

    return shared(settings.VALKEY_URL).attempt(read, set())


def _member(user: int, socket: str) -> str:
    return f"{user}:{socket}"
