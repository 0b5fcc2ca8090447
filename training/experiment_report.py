"""Everything that is known of an experiment now: the measure that decides, those beside it, and when.

The unit is the conversation that counts (:func:`training.services.experimenting.counted`): one for each
visitor. Only whether it was resolved without a person decides. The others are for orientation: looked
at together and often, one of them will seem different by chance.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from django.utils import timezone

from chat.analytics.selectors import Outcome
from chat.models import Conversion, Feedback, Message
from training.experiments import comparing
from training.experiments.comparing import Comparison
from training.experiments.planning import Plan
from training.experiments.verdicts import Arm, Reading
from training.models import Experiment
from training.services import experimenting
from training.services.experimenting import Counted

FEWEST_TO_FORECAST = 5
MOST_NAMES = 5
"""Of the events that the site reported: the most frequent ones."""


class Kind(StrEnum):
    """How a measure is read."""

    SHARE = "share"
    MEAN = "mean"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Measure:
    """``name`` is one of handoff, thumbs, rating, converted, event, value, wait_p50, wait_p95;
    ``event`` the site's name of it, of customers: never HTML."""

    name: str
    kind: Kind
    comparison: Comparison
    event: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """``resolved`` decides; its difference is that of ``reading``. ``next_look`` and ``last_look`` are
    when they are expected at the present rate, None where nobody can tell or it has ended."""

    plan: Plan
    champion: Arm
    challenger: Arm
    reading: Reading
    resolved: Comparison
    beside: tuple[Measure, ...]
    still_needed: int
    next_look: datetime | None
    last_look: datetime | None


def report(experiment: Experiment, *, now: datetime | None = None) -> Report:
    """Read it all; a few queries, and about a second of resampling when there is much."""
    rows = list(experimenting.counted(experiment))
    champion, challenger = (
        _arm(rows, arm, lambda row: row.outcome is Outcome.RESOLVED) for arm in (0, 1)
    )
    plan = experimenting.plan_of(experiment)
    reading = experimenting.read_arms(experiment, champion, challenger)
    smaller = min(champion.total, challenger.total)
    still_needed = max(0, plan.per_arm - smaller)
    forecast = _forecast(experiment, smaller, now or timezone.now())
    return Report(
        plan,
        champion,
        challenger,
        reading,
        comparing.shares(champion, challenger, level=reading.level),
        _beside(experiment, rows),
        still_needed,
        forecast(reading.needed),
        forecast(still_needed),
    )


def _forecast(
    experiment: Experiment, smaller: int, now: datetime
) -> Callable[[int], datetime | None]:
    """From how many conversations are missing to when they will be there."""

    def when(needed: int) -> datetime | None:
        if experiment.ended_at is not None or smaller < FEWEST_TO_FORECAST:
            return None
        return now + (now - experiment.started_at) * needed / smaller

    return when


def _beside(experiment: Experiment, rows: Sequence[Counted]) -> tuple[Measure, ...]:
    """What is measured besides."""
    handoff = _shares(rows, lambda row: row.outcome is Outcome.PERSON)
    thumbs = _thumbs(experiment)
    judged = [row for row in rows if row.conversation in thumbs]
    liked = _shares(judged, lambda row: thumbs[row.conversation])
    rating = comparing.means(
        *_split(rows, lambda row: None if row.rating is None else float(row.rating))
    )
    waits = _waits(experiment)
    waited = _split(rows, lambda row: waits.get(row.conversation))
    return (
        Measure("handoff", Kind.SHARE, handoff),
        Measure("thumbs", Kind.SHARE, liked),
        Measure("rating", Kind.MEAN, rating),
        *_conversions(experiment, rows),
        Measure("wait_p50", Kind.SECONDS, comparing.percentiles(*waited, 50)),
        Measure("wait_p95", Kind.SECONDS, comparing.percentiles(*waited, 95)),
    )


def _thumbs(experiment: Experiment) -> dict[int, bool]:
    """By conversation with thumbs: whether all of them are up."""
    found: dict[int, bool] = {}
    given = Feedback.objects.filter(
        message__conversation__bot=experiment.bot_id,
        message__conversation__created_at__gte=experiment.traffic.started_at,
    )
    for conversation, value in given.values_list("message__conversation", "value"):
        found[conversation] = found.get(conversation, True) and value == Feedback.Value.UP
    return found


def _waits(experiment: Experiment) -> dict[int, float]:
    """By conversation: seconds until the first answer of a model was whole, as analytics has them."""
    found: dict[int, float] = {}
    answers = Message.objects.filter(
        conversation__bot=experiment.bot_id,
        conversation__created_at__gte=experiment.traffic.started_at,
        source=Message.Source.MODEL,
        role=Message.Role.ASSISTANT,
        status=Message.Status.SENT,
    ).order_by("conversation", "seq")
    for conversation, timings in answers.values_list("conversation", "timings").iterator():
        if conversation not in found and "answer" in timings:
            found[conversation] = timings.get("queue", 0.0) + timings["answer"]
    return found


def _conversions(experiment: Experiment, rows: Sequence[Counted]) -> Iterable[Measure]:
    """What the site reported of each visitor, since the conversation that counts began."""
    known = {row.visitor: row for row in rows}
    names: dict[int, set[str]] = defaultdict(set)
    values: dict[int, Decimal] = defaultdict(Decimal)
    is_valued = False
    reported = Conversion.objects.filter(
        conversation__bot=experiment.bot_id, at__gte=experiment.traffic.started_at
    )
    if experiment.ended_at is not None:
        reported = reported.filter(at__lt=experiment.ended_at)
    for visitor, name, value, at in reported.values_list("visitor", "name", "value", "at"):
        if visitor in known and at >= known[visitor].began_at:
            names[visitor].add(name)
            values[visitor] += value or 0
            is_valued = is_valued or value is not None
    yield Measure("converted", Kind.SHARE, _shares(rows, lambda row: row.visitor in names))
    often = Counter(name for each in names.values() for name in each).most_common(MOST_NAMES)
    for name, _count in often if len(often) > 1 else ():
        yield Measure("event", Kind.SHARE, _shares(rows, _has(names, name)), event=name)
    if is_valued:
        spent = _split(rows, lambda row: float(values.get(row.visitor, 0)))
        yield Measure("value", Kind.MEAN, comparing.means(*spent))


def _has(names: Mapping[int, set[str]], name: str) -> Callable[[Counted], bool]:
    return lambda row: name in names.get(row.visitor, ())


def _shares(rows: Sequence[Counted], is_good: Callable[[Counted], bool]) -> Comparison:
    return comparing.shares(_arm(rows, 0, is_good), _arm(rows, 1, is_good))


def _arm(rows: Sequence[Counted], arm: int, is_good: Callable[[Counted], bool]) -> Arm:
    mine = [is_good(row) for row in rows if row.arm == arm]
    return Arm(sum(mine), len(mine))


def _split(
    rows: Sequence[Counted], value: Callable[[Counted], float | None]
) -> tuple[list[float], list[float]]:
    """What is known of each, by arm."""
    found: tuple[list[float], list[float]] = ([], [])
    for row in rows:
        if (known := value(row)) is not None:
            found[row.arm].append(known)
    return found
