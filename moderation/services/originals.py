"""Masked originals: kept encrypted, numbered per conversation, revealed on the record."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from moderation.encryption import decrypt, digest, encrypt
from moderation.findings import Finding
from moderation.models import Original, Reveal

SHORTEST_REASON = 8


class NotAllowed(Exception):
    """This person may not do this."""


class ReasonMissing(ValueError):
    """Why the original is needed has to be said; the text of the exception says so."""


class ScopeNumbering:
    """The numbers of the placeholders of one scope. Call it with a finding; save what is new.

    ``scope`` may be any name of at most 64 characters, such as a conversation's public id.
    """

    def __init__(self, scope: str) -> None:
        self._scope = scope
        self._numbers: dict[tuple[str, bytes], int] = {}
        self._highest: dict[str, int] = {}
        self._new: list[Original] = []
        known = Original.objects.filter(scope=scope).values_list("kind", "digest", "number")
        for kind, value, number in known:
            self._numbers[kind, bytes(value)] = number
            self._highest[kind] = max(number, self._highest.get(kind, 0))

    def __call__(self, finding: Finding) -> int:
        kind = finding.category
        key = (kind, digest(self._scope, kind, finding.value))
        if key not in self._numbers:
            self._highest[kind] = number = self._highest.get(kind, 0) + 1
            self._numbers[key] = number
            self._new.append(
                Original(
                    scope=self._scope,
                    kind=kind,
                    number=number,
                    digest=key[1],
                    ciphertext=encrypt(finding.value),
                )
            )
        return self._numbers[key]

    def save(self) -> None:
        """Keep what was numbered first here."""
        if self._new:
            # A bot and its customer may number at once; what the customer wrote was first.
            Original.objects.bulk_create(self._new, ignore_conflicts=True)
            self._new = []


@transaction.atomic
def reveal(original: Original, *, by: User, reason: str) -> str:
    """What the placeholder stands for. Who asked, and why, is written down first.

    Raises :class:`NotAllowed` and :class:`ReasonMissing`.
    """
    if not by.has_perm("moderation.reveal_original"):
        raise NotAllowed
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise ReasonMissing(_("Say in a few words why you need it."))
    Reveal.objects.create(
        original=original,
        scope=original.scope,
        label=str(original),
        reason=reason[:300],
        revealed_by=by,
    )
    return decrypt(bytes(original.ciphertext))
