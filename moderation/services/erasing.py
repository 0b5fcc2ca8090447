"""What moderation keeps of a scope (a conversation), found and destroyed."""

from collections import Counter
from collections.abc import Collection

from django.db import transaction
from django.db.models import QuerySet

from moderation import pipeline
from moderation.current import built_in_policy
from moderation.findings import Direction, Family
from moderation.models import ModerationCase, Original, Reveal, SubjectKey
from moderation.services.originals import locators

_AT_ONCE = 500
"""SQLite takes a bounded number of parameters."""


def scopes_naming(said: str) -> set[str]:
    """The scopes in which somebody gave this e-mail address, phone number or the like.

    It is recognised as in a message, so the way it is written does not matter. Nothing is
    decrypted, and nothing is kept of ``said``.
    """
    findings = pipeline.moderate(said, built_in_policy(), Direction.INBOUND).findings
    wanted = [
        locator
        for each in findings
        if each.family is Family.PERSONAL
        for locator in locators(each.category, each.value)
    ]
    return set(Original.objects.filter(locator__in=wanted).values_list("scope", flat=True))


def count(scopes: Collection[str]) -> Counter[str]:
    """What :func:`erase` would erase, by kind."""
    counts: Counter[str] = Counter()
    for some in _in_parts(scopes):
        for name, rows in _rows(some).items():
            counts[name] += rows.count()
    return counts


@transaction.atomic
def erase(scopes: Collection[str]) -> Counter[str]:
    """Destroy the keys, originals and cases of ``scopes``; returns how many of each.

    That somebody looked at an original stays on record, without the reason: it may name people.
    """
    counts: Counter[str] = Counter()
    for some in _in_parts(scopes):
        Reveal.objects.filter(scope__in=some).update(reason="", original=None)
        for name, rows in _rows(some).items():
            counts[name] += rows.delete()[0]
    return counts


def _rows(scopes: list[str]) -> dict[str, QuerySet[SubjectKey | Original | ModerationCase]]:
    return {
        "subject_keys": SubjectKey.objects.filter(scope__in=scopes),
        "originals": Original.objects.filter(scope__in=scopes),
        "moderation_cases": ModerationCase.objects.filter(scope__in=scopes),
    }


def _in_parts(scopes: Collection[str]) -> list[list[str]]:
    listed = sorted(scopes)
    return [listed[at : at + _AT_ONCE] for at in range(0, len(listed), _AT_ONCE)]
