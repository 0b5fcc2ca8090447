"""Moderation of a text that is still being written: nothing is shown that may be taken back."""

import time
from collections.abc import Callable

from moderation import pipeline
from moderation.findings import Action, Direction, Family, Finding
from moderation.masking import Numbering, numbered, substitute
from moderation.normalization import plain
from moderation.policy import Policy
from moderation.recognizers.base import Recognizer

# How far before a match its context may stand (see Recognizer).
CONTEXT_CHARACTERS = 64


class StreamGuard:
    """Lets through what no further text can make part of a match, and holds the rest.

    Give every delta to :meth:`push` and show what it returns; end with :meth:`close`. Masked
    spans come out as their substitutes. From the first blocked span on nothing comes out any
    more and ``is_blocked`` is true. The whole output equals ``moderate(text).text`` up to
    there, however the text was cut. ``findings`` lists what was found so far; their spans are
    those of ``text``, all that was pushed. Not for several threads at once.
    """

    def __init__(
        self,
        policy: Policy,
        direction: Direction,
        *,
        number: Numbering | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.findings: list[Finding] = []
        self.is_blocked = False
        self.busy_seconds = 0.0
        self.text = ""
        self._policy = policy
        self._direction = direction
        self._number = number or numbered()
        self._clock = clock
        self._recognizers = [
            each for each in policy.recognizers if self._acts_on(each, policy, direction)
        ]
        self._passed = 0
        self._context = ""
        self._held = ""
        # When the held characters came: (how many, time).
        self._arrivals: list[tuple[int, float]] = []
        self._delays: list[tuple[int, float]] = []

    @staticmethod
    def _acts_on(recognizer: Recognizer, policy: Policy, direction: Direction) -> bool:
        action = policy.rules.action(Family.PERSONAL, recognizer.kind, direction)
        return action is not Action.ALLOW

    def push(self, delta: str) -> str:
        """Take what was written; returns what may be shown now."""
        if self.is_blocked or not delta:
            return ""
        self._held += delta
        self.text += delta
        self._arrivals.append((len(delta), self._clock()))
        return self._advance(is_last=False)

    def close(self) -> str:
        """The text is complete; returns the rest."""
        if self.is_blocked or not self._held:
            return ""
        return self._advance(is_last=True)

    def delay(self, share: float = 0.95) -> float:
        """The seconds that this share of all characters was held at most."""
        delays = sorted(self._delays, key=lambda each: each[1])
        target = share * sum(count for count, _ in delays)
        seen = 0
        for count, seconds in delays:
            seen += count
            if seen >= target:
                return seconds
        return 0.0

    def _advance(self, *, is_last: bool) -> str:
        begun = self._clock()
        try:
            return self._released(is_last=is_last)
        except Exception:  # noqa: BLE001 - whatever is wrong with a check, nothing passes
            self._block(pipeline.failed(self._held).findings[0])
            return ""
        finally:
            self.busy_seconds += self._clock() - begun

    def _released(self, *, is_last: bool) -> str:
        window = self._context + self._held
        findings = pipeline.find(window, self._policy, self._direction)
        decided = len(window) if is_last else self._decided(window, findings)
        position = len(self._context)
        blocked = next(
            (
                each
                for each in findings
                if each.action is Action.BLOCK and each.start < decided and each.end > position
            ),
            None,
        )
        if blocked is not None:
            # Nor is a masked span shown that holds a part of what is blocked.
            decided = _outside(findings, blocked.start)
        shown: list[str] = []
        for finding in findings:
            if finding.end <= position or finding.start >= decided:
                continue
            start = max(finding.start, position)
            self.findings.append(self._placed(finding))
            if finding.action is Action.MASK:
                shown += [
                    window[position:start],
                    substitute(window[start : finding.end], finding, self._number),
                ]
                position = finding.end
        end = max(decided, position)
        shown.append(window[position:end])
        if blocked is not None:
            self._block(self._placed(blocked))
        else:
            self._let_go(window, end)
        return "".join(shown)

    def _decided(self, window: str, findings: tuple[Finding, ...]) -> int:
        """Up to where no further text can change what is found."""
        open_from = self._policy.matcher.open_from(window)
        view = plain(window)
        for recognizer in self._recognizers:
            open_from = min(open_from, view.start(recognizer.open_from(view)))
        # What reaches into the open part may still lose against what begins there.
        return max(_outside(findings, open_from), len(self._context))

    def _let_go(self, window: str, end: int) -> None:
        """Everything before ``end`` is shown: keep only its last characters as context."""
        count = end - len(self._context)
        now = self._clock()
        self._passed += count
        while count > 0:
            arrived, moment = self._arrivals.pop(0)
            self._delays.append((min(arrived, count), now - moment))
            if arrived > count:
                self._arrivals.insert(0, (arrived - count, moment))
            count -= arrived
        self._held = window[end:]
        self._context = window[max(0, end - CONTEXT_CHARACTERS) : end]

    def _placed(self, finding: Finding) -> Finding:
        """The finding with the span it has in the whole text."""
        offset = self._passed - len(self._context)
        return Finding(
            finding.start + offset,
            finding.end + offset,
            finding.family,
            finding.category,
            finding.rule,
            finding.action,
            value=finding.value,
            score=finding.score,
        )

    def _block(self, finding: Finding) -> None:
        self.is_blocked = True
        self.findings.append(finding)
        self._held = ""


def _outside(findings: tuple[Finding, ...], position: int) -> int:
    """The last place up to ``position`` that is inside no finding."""
    for finding in reversed(findings):
        if finding.start < position < finding.end:
            position = finding.start
    return position
