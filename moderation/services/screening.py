"""Text that comes in, is said, or is kept: one call each way, and its consequences."""

import logging
from collections.abc import Sequence

from moderation import pipeline
from moderation.current import current_policy
from moderation.findings import Action, Direction, Family, Finding, Verdict
from moderation.masking import masked
from moderation.services import cases
from moderation.services.originals import ScopeNumbering
from moderation.stream import StreamGuard

logger = logging.getLogger(__name__)


def screen(
    text: str, direction: Direction, *, scope: str, reference: str = "", before: str = ""
) -> Verdict:
    """The verdict of the current policy; originals and a case are stored as it demands.

    ``scope`` names the conversation, ``reference`` the message. Call it within the
    transaction that stores the text, and store ``verdict.text`` instead. Without a policy
    that works, the verdict is block.
    """
    verdict, version, number = _judged(text, direction, scope=scope, before=before)
    if number is not None:
        number.save()
    if verdict.action.severity >= Action.REVIEW.severity:
        cases.open_case(text, verdict, direction, scope=scope, reference=reference, policy=version)
    return verdict


def remainder(text: str, direction: Direction, *, scope: str) -> str:
    """What :func:`screen` would leave of ``text``, with nothing stored: whether somebody says
    again what they said before, of which only this was kept."""
    return _judged(text, direction, scope=scope)[0].text


class ScreenedStream:
    """A :class:`StreamGuard` with the current policy and the placeholders of a conversation."""

    def __init__(self, direction: Direction, *, scope: str, reference: str) -> None:
        """Two queries. Raises when no policy can be loaded: then nothing may be said."""
        policy = current_policy()
        self._number = ScopeNumbering(scope)
        self._direction = direction
        self._scope = scope
        self._reference = reference
        self.version = policy.version
        self.guard = StreamGuard(policy, direction, number=self._number)

    def conclude(self) -> None:
        """Store originals, and a case if there is reason for one."""
        self._number.save()
        findings = self.guard.findings
        action = max(
            (each.action for each in findings), key=lambda each: each.severity, default=Action.ALLOW
        )
        if action.severity >= Action.REVIEW.severity:
            cases.open_case(
                self.guard.text,
                Verdict(action, "", tuple(_in_order(findings))),
                self._direction,
                scope=self._scope,
                reference=self._reference,
                policy=self.version,
            )


def _judged(
    text: str, direction: Direction, *, scope: str, before: str = ""
) -> tuple[Verdict, str, ScopeNumbering | None]:
    """The verdict, the version of the policy, and the numbers of what was found personal."""
    try:
        policy = current_policy()
    except Exception as error:  # noqa: BLE001 - whatever is wrong, nothing passes unchecked
        logger.error(  # noqa: TRY400 - one line a message is enough
            "no moderation policy could be loaded (%s)", type(error).__name__
        )
        return pipeline.failed(text), "", None
    verdict = pipeline.moderate(text, policy, direction, before=before)
    if not any(each.family is Family.PERSONAL for each in verdict.findings):
        return verdict, policy.version, None
    number = ScopeNumbering(scope)
    text = masked(text, verdict.findings, number)
    return Verdict(verdict.action, text, verdict.findings), policy.version, number


def _in_order(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda each: (each.start, each.end))
