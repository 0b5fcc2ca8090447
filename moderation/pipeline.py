"""A text goes in, a verdict comes out: every check of a policy, in one pass. Pure and total."""

import dataclasses
import logging
from collections.abc import Iterator

from moderation import injection
from moderation.findings import Action, Direction, Family, Finding, Verdict
from moderation.masking import masked
from moderation.normalization import View, plain
from moderation.policy import Policy

logger = logging.getLogger(__name__)

# The end of the message before this one in which a value may have begun.
REMEMBERED_CHARACTERS = 64


def moderate(text: str, policy: Policy, direction: Direction, *, before: str = "") -> Verdict:
    """Check ``text`` as ``policy`` says for ``direction``.

    ``before`` is the writer's previous message: a word or personal data that was begun there
    and ends here is found, too. Placeholders are numbered within this text; see
    :func:`moderation.masking.masked` for other numbers. Never raises: where a check itself
    fails, the verdict is block and its text empty.
    """
    try:
        findings = find(text, policy, direction, before=before)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a check, nothing passes
        # A traceback may hold the text.
        logger.error(  # noqa: TRY400
            "a moderation check failed: %s", type(error).__name__
        )
        return failed(text)
    action = max((each.action for each in findings), key=_severity, default=Action.ALLOW)
    return Verdict(action, masked(text, findings), findings)


def failed(text: str) -> Verdict:
    """The verdict on a text that could not be checked."""
    finding = Finding(0, len(text), Family.FAILURE, "check", "failed", Action.BLOCK, value="")
    return Verdict(Action.BLOCK, "", (finding,))


def find(
    text: str, policy: Policy, direction: Direction, *, before: str = ""
) -> tuple[Finding, ...]:
    """All findings that the policy acts on, in order. May raise what a broken check raises."""
    allowed = policy.matcher.allowed_spans(text)
    found = [*_words(text, policy, direction), *_injections(text, policy, direction)]
    personal = list(_personal(plain(text), policy, direction))
    if before:
        before = before[-REMEMBERED_CHARACTERS:]
        # The halves of a word meet; of a number, they are two parts with a line between them.
        found += _continued(_words(before + text, policy, direction), len(before))
        lines = plain(f"{before}\n{text}")
        personal += _continued(_personal(lines, policy, direction), len(before) + 1)
    found += _without_overlaps(personal)
    return tuple(
        sorted(
            (
                each
                for each in found
                if each.action is not Action.ALLOW and not _is_allowed(each, text, allowed)
            ),
            key=lambda each: (each.start, each.end),
        )
    )


def _words(text: str, policy: Policy, direction: Direction) -> Iterator[Finding]:
    for match in policy.matcher.find(text):
        yield Finding(
            match.start,
            match.end,
            Family.WORD,
            match.category,
            match.level or "word",
            policy.rules.action(Family.WORD, match.category, direction),
            value=match.term,
        )


def _injections(text: str, policy: Policy, direction: Direction) -> Iterator[Finding]:
    if direction is not Direction.INBOUND:
        return
    for shape in injection.find(text):
        yield Finding(
            shape.start,
            shape.end,
            Family.INJECTION,
            shape.name,
            shape.name,
            policy.rules.action(Family.INJECTION, shape.name, direction),
            value=shape.name,
            score=shape.score,
        )


def _personal(view: View, policy: Policy, direction: Direction) -> Iterator[Finding]:
    for recognizer in policy.recognizers:
        action = policy.rules.action(Family.PERSONAL, recognizer.kind, direction)
        if action is Action.ALLOW:
            continue
        for match in recognizer.find(view):
            start, end = view.span(match.start, match.end)
            yield Finding(
                start,
                end,
                Family.PERSONAL,
                recognizer.kind,
                recognizer.name,
                action,
                value=match.value,
                score=match.score,
            )


def _continued(findings: Iterator[Finding], offset: int) -> Iterator[Finding]:
    """Those that begin before ``offset`` and end behind it: as far as they stand behind it."""
    for finding in findings:
        if finding.start < offset < finding.end:
            yield dataclasses.replace(finding, start=0, end=finding.end - offset)


def _without_overlaps(findings: list[Finding]) -> list[Finding]:
    """Of findings that overlap the surest stays, then the longest, then the first."""
    kept: list[Finding] = []
    for finding in sorted(
        findings, key=lambda each: (-each.score, each.start - each.end, each.start)
    ):
        if all(finding.end <= other.start or finding.start >= other.end for other in kept):
            kept.append(finding)
    return kept


def _is_allowed(finding: Finding, text: str, spans: list[tuple[int, int]]) -> bool:
    """Whether all letters and digits of the finding stand in one allowed term."""
    if not spans:
        return False
    start, end = finding.start, finding.end
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return any(first <= start and end <= last for first, last in spans)


def _severity(action: Action) -> int:
    return action.severity
