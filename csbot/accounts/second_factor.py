"""An authenticator app as the second proof of who somebody is (TOTP, RFC 6238).

Six digits that change every 30 seconds; the one before and the one after are taken, too, for
clocks that differ. A code opens nothing twice. Ten recovery codes stand in for a lost phone,
each once.
"""

import base64
import hmac
import secrets
import time

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from chat import tokens
from csbot.accounts import lockout
from csbot.accounts.models import Authenticator, RecoveryCode
from csbot.accounts.roles import wants_second_factor
from moderation import encryption
from moderation.services import audit

STEP_SECONDS = 30
ISSUER = "csbot"
_DIGITS = 6
_DRIFT_STEPS = (0, -1, 1)
_RECOVERY_CODES = 10
# Without letters and digits that look alike on paper.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class WrongCode(Exception):
    """Neither a code of the app that is good now, nor an unused recovery code."""


def is_enrolled(user: User) -> bool:
    return Authenticator.objects.filter(user=user).exclude(confirmed_at=None).exists()


def is_demanded(user: User) -> bool:
    """Whether the console stays closed to somebody until a code was right.

    Whoever set up an app is asked for it even where nobody has to have one.
    """
    demanded = settings.SECOND_FACTOR != "optional" and wants_second_factor(user)
    return demanded or is_enrolled(user)


def prepared(user: User) -> Authenticator:
    """The authenticator that somebody is about to set up: the same key until a code was right."""
    found, _created = Authenticator.objects.get_or_create(
        user=user, defaults={"wrapped_key": encryption.wrapped(secrets.token_bytes(20))}
    )
    return found


def text_key(authenticator: Authenticator) -> str:
    """For typing into an app, in groups of four."""
    text = base64.b32encode(_key(authenticator)).decode()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def qr_code(authenticator: Authenticator) -> str:
    """For scanning: an SVG image without colours of its own, always dark on light."""
    uri = _totp(authenticator).get_provisioning_uri(authenticator.user.get_username(), ISSUER)
    return str(segno.make(uri, micro=False, error="m").svg_data_uri(scale=5, light="#fff"))


@transaction.atomic
def enrol(user: User, code: str) -> list[str]:
    """Take the app into use, and hand out recovery codes, shown this once.

    Raises :class:`WrongCode` and :class:`csbot.accounts.lockout.LockedOut`.
    """
    authenticator = Authenticator.objects.select_for_update().get(user=user)
    if not _takes(authenticator, code):
        raise WrongCode
    authenticator.confirmed_at = timezone.now()
    authenticator.save(update_fields=["confirmed_at", "last_step"])
    codes = _new_recovery_codes(user)
    audit.record("second_factor.set_up", target=f"user:{user.pk}")
    return codes


def verify(user: User, code: str) -> None:
    """Take a code of the app, or a recovery code. Raises :class:`WrongCode` and ``LockedOut``."""
    with lockout.attempt(code=str(user.pk)) as attempt:
        with transaction.atomic():
            if not (_takes_code(user, code) or _takes_recovery_code(user, code)):
                raise WrongCode
        lockout.was_right(attempt)


@transaction.atomic
def remove(user: User) -> None:
    """The app is gone, and so is what it opened: the next sign-in sets up another one."""
    Authenticator.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    audit.record("second_factor.removed", target=f"user:{user.pk}")


@transaction.atomic
def renew_recovery_codes(user: User) -> list[str]:
    """Ten new ones, shown this once; the old ones open nothing any more."""
    codes = _new_recovery_codes(user)
    audit.record("second_factor.codes_renewed", target=f"user:{user.pk}")
    return codes


def recovery_codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user).count()


def _takes_code(user: User, code: str) -> bool:
    authenticator = (
        Authenticator.objects.select_for_update()
        .exclude(confirmed_at=None)
        .filter(user=user)
        .first()
    )
    if authenticator is None or not _takes(authenticator, code):
        return False
    authenticator.save(update_fields=["last_step"])
    return True


def _takes(authenticator: Authenticator, code: str) -> bool:
    """Whether ``code`` is good now and newer than the last one; if so it is the last one."""
    code = "".join(code.split())
    totp, now = _totp(authenticator), int(time.time()) // STEP_SECONDS
    for step in (now + drift for drift in _DRIFT_STEPS):
        good = totp.generate(step * STEP_SECONDS)
        if step > authenticator.last_step and hmac.compare_digest(good, code.encode()):
            authenticator.last_step = step
            return True
    return False


def _takes_recovery_code(user: User, code: str) -> bool:
    """The row goes with its use: of two who use it at once, one deletes it."""
    wanted = tokens.digest("".join(code.lower().replace("-", "").split()))
    deleted, _each = RecoveryCode.objects.filter(user=user, digest=wanted).delete()
    if deleted:
        audit.record("second_factor.recovery_code_used", target=f"user:{user.pk}")
    return bool(deleted)


def _new_recovery_codes(user: User) -> list[str]:
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(16)) for _ in range(_RECOVERY_CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=tokens.digest(code)) for code in codes
    )
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]


def _totp(authenticator: Authenticator) -> TOTP:
    # Apps know SHA-1 alone; its collisions are of no use against an HMAC.
    return TOTP(_key(authenticator), _DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303


def _key(authenticator: Authenticator) -> bytes:
    return encryption.unwrapped(bytes(authenticator.wrapped_key))
