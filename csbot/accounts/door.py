"""Whether a session may enter the console, and whether somebody proved lately who they are.

Both are facts of the session. It gets a new id whenever they change: a stolen older one is
worth nothing.
"""

import time
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.http import HttpRequest

from csbot.accounts import second_factor

CONFIRMED_SECONDS = 600
"""How long a password and a code open what wants them anew."""
_VERIFIED = "second_factor_of"
_CONFIRMED = "confirmed_at"


def is_open(user: AbstractBaseUser | AnonymousUser, session: Any) -> bool:
    """For pages and sockets: active staff, and whoever needs a second factor gave it here."""
    if not (isinstance(user, User) and user.is_active and user.is_staff):
        return False
    return session.get(_VERIFIED) == user.pk or not second_factor.is_demanded(user)


def open_(request: HttpRequest) -> None:
    """A code was right in this session."""
    request.session[_VERIFIED] = request.user.pk
    confirm(request)


def confirm(request: HttpRequest) -> None:
    """Somebody proved anew who they are."""
    request.session[_CONFIRMED] = time.time()
    request.session.cycle_key()


def remember_sign_in(request: HttpRequest, **_signal: Any) -> None:
    """Signing in is such a proof. Django tells of it wherever it happens."""
    request.session[_CONFIRMED] = time.time()


def is_confirmed(request: HttpRequest) -> bool:
    age = time.time() - request.session.get(_CONFIRMED, 0)
    return bool(0 <= age < CONFIRMED_SECONDS)
