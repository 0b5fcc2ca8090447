"""Cases: opened by verdicts, resolved by people, who may teach the word list by it."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from moderation.actors import Actor
from moderation.findings import Action, Direction, Family, Verdict
from moderation.masking import numbered, placeholder
from moderation.models import ModerationCase, Word
from moderation.services import audit
from moderation.services.originals import NotAllowed

LONGEST_EXCERPT = 4000


class AlreadyResolved(Exception):
    """Somebody else was faster."""


class TermMissing(ValueError):
    """A term and, for a forbidden one, a category have to be given."""


def open_case(
    text: str, verdict: Verdict, direction: Direction, *, scope: str, reference: str, policy: str
) -> ModerationCase:
    """Ask people to look at ``text``. Personal data in it is masked before it is stored."""
    excerpt, findings = _excerpt(text, verdict)
    categories = dict.fromkeys(
        each.category
        for each in sorted(verdict.findings, key=lambda each: -each.action.severity)
        if each.action.severity >= Action.REVIEW.severity
    )
    return ModerationCase.objects.create(
        scope=scope,
        reference=reference,
        direction=direction.value,
        action=verdict.action.value,
        categories=", ".join(categories)[:200],
        excerpt=excerpt,
        findings=findings,
        policy=policy,
    )


def _excerpt(text: str, verdict: Verdict) -> tuple[str, list[dict[str, object]]]:
    """The text with personal data masked, and where the findings are in it."""
    if any(each.family is Family.FAILURE for each in verdict.findings):
        # What could not be checked may hold anything.
        return "", [{"family": Family.FAILURE.value, "category": "check", "start": 0, "end": 0}]
    number = numbered()
    parts: list[str] = []
    placed: list[dict[str, object]] = []
    done = length = 0
    for finding in verdict.findings:
        if finding.end <= done:
            continue
        start = max(finding.start, done)
        piece = text[start : finding.end]
        if finding.family is Family.PERSONAL:
            piece = placeholder(finding.category, number(finding))
        parts += [text[done:start], piece]
        length += start - done
        placed.append(
            {
                "start": length,
                "end": length + len(piece),
                "family": finding.family.value,
                "category": finding.category,
                "rule": finding.rule,
                "action": finding.action.value,
                "term": finding.value if finding.family is Family.WORD else "",
            }
        )
        length += len(piece)
        done = finding.end
    return "".join([*parts, text[done:]])[:LONGEST_EXCERPT], placed


@transaction.atomic
def resolve(
    case: ModerationCase,
    *,
    by: User,
    resolution: str,
    note: str = "",
    term: str = "",
    category: str = "",
) -> ModerationCase:
    """Close the case; ``allowed`` and ``forbidden`` add ``term`` to the draft of the word list.

    Raises :class:`NotAllowed`, :class:`AlreadyResolved` and :class:`TermMissing`.
    """
    teaches = resolution in (ModerationCase.Resolution.ALLOWED, ModerationCase.Resolution.FORBIDDEN)
    if not by.has_perm("moderation.resolve_case") or (
        teaches and not by.has_perm("moderation.add_word")
    ):
        raise NotAllowed
    if teaches:
        _teach(resolution, by=by, term=term.strip(), category=category.strip())
    resolved = ModerationCase.objects.filter(pk=case.pk, resolution="").update(
        resolution=resolution, note=note[:300], resolved_by=by, resolved_at=timezone.now()
    )
    if not resolved:
        raise AlreadyResolved
    case.refresh_from_db()
    audit.record(
        "case.resolved",
        target=f"case:{case.pk}",
        facts={"resolution": resolution, "conversation": case.scope},
        by=Actor.of(by),
    )
    return case


def _teach(resolution: str, *, by: User, term: str, category: str) -> None:
    forbidden = resolution == ModerationCase.Resolution.FORBIDDEN
    if not term or (forbidden and not category):
        raise TermMissing(_("Give the term, and a category if it shall be forbidden."))
    Word.objects.get_or_create(
        term=term,
        kind=Word.Kind.FORBIDDEN if forbidden else Word.Kind.ALLOWED,
        defaults={"category": category if forbidden else "", "created_by": by},
    )
