"""Who came in, who left and who was not let in, in the audit trail. Django tells of it by signals."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import transaction

from moderation.actors import OUTSIDER, Actor
from moderation.services import audit


def signed_in(user: User, **_signal: Any) -> None:
    with transaction.atomic():
        audit.record("user.signed_in", target=f"user:{user.pk}", by=Actor.of(user))


def signed_out(user: User | None, **_signal: Any) -> None:
    if user is None:
        return
    with transaction.atomic():
        audit.record("user.signed_out", target=f"user:{user.pk}", by=Actor.of(user))


def refused(credentials: dict[str, Any], **_signal: Any) -> None:
    """Nothing of what was typed is kept: people type passwords where names belong."""
    name = str(credentials.get("username", ""))
    known = get_user_model().objects.filter(username=name).values_list("pk", flat=True).first()
    with transaction.atomic():
        audit.record("user.sign_in_failed", target=f"user:{known}" if known else "", by=OUTSIDER)
