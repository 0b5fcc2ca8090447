"""Masked originals: kept encrypted, numbered per conversation, revealed on the record."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from moderation import pipeline
from moderation.actors import Actor
from moderation.current import built_in_policy
from moderation.encryption import digests, sealed
from moderation.findings import Direction, Family, Finding
from moderation.models import Original, Reveal
from moderation.services import audit, subject_keys

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
        self._new: list[tuple[Original, str]] = []
        known = Original.objects.filter(scope=scope).values_list("kind", "digest", "number")
        for kind, value, number in known:
            self._numbers[kind, bytes(value)] = number
            self._highest[kind] = max(number, self._highest.get(kind, 0))

    def __call__(self, finding: Finding) -> int:
        kind = finding.category
        # A value that was numbered under an earlier data key keeps its number.
        known = [(kind, each) for each in digests(self._scope, kind, finding.value)]
        key = next((each for each in known if each in self._numbers), known[0])
        if key not in self._numbers:
            self._highest[kind] = number = self._highest.get(kind, 0) + 1
            self._numbers[key] = number
            original = Original(
                scope=self._scope,
                kind=kind,
                number=number,
                digest=key[1],
                locator=locators(kind, finding.value)[0],
            )
            self._new.append((original, finding.value))
        return self._numbers[key]

    def save(self) -> None:
        """Keep what was numbered first here."""
        if not self._new:
            return
        key = subject_keys.get_or_make(self._scope)
        for original, value in self._new:
            original.ciphertext = sealed(value, key, place=_place(original))
        # A bot and its customer may number at once; what the customer wrote was first.
        Original.objects.bulk_create([each for each, _value in self._new], ignore_conflicts=True)
        self._new = []


def keep(text: str, *, scope: str) -> None:
    """Keep the personal data in a text that is itself stored elsewhere, sealed: whoever gave it
    is found by it, and it goes with its scope. Call it in the transaction that stores the text."""
    number = ScopeNumbering(scope)
    for each in pipeline.find(text, built_in_policy(), Direction.INBOUND):
        if each.family is Family.PERSONAL:
            number(each)
    number.save()


def locators(kind: str, value: str) -> list[bytes]:
    """What ``Original.locator`` is of a value in its canonical form, the newest data key first."""
    return digests("csbot.locator", kind, value)


@transaction.atomic
def reveal(original: Original, *, by: User, reason: str) -> str:
    """What the placeholder stands for. Who asked, and why, is written down first.

    Raises :class:`NotAllowed`, :class:`ReasonMissing` and
    :class:`~moderation.encryption.Undecipherable`.
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
    audit.record(
        "original.revealed",
        target=f"conversation:{original.scope}",
        facts={"kind": original.kind, "number": original.number, "why": audit.commitment(reason)},
        by=Actor.of(by),
    )
    stored = bytes(original.ciphertext)
    return subject_keys.unseal(original.scope, stored, place=_place(original))


def _place(original: Original) -> str:
    """An original that was moved to another conversation or placeholder is not read there."""
    return f"{original.scope}/{original.kind}/{original.number}"
