"""What runners say about themselves, and which of them are still there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from chat.models import Bot, RunnerReport

HEARTBEAT_SECONDS = 5.0
SILENT_SECONDS = 20.0
FORGOTTEN_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Runner:
    """Who reports. ``name`` is unique, across machines and restarts."""

    name: str
    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class State:
    """What it does for one bot; ids of deployments."""

    bot: int
    state: str
    serving: int | None
    wanted: int | None
    error: str = ""
    took: float | None = None


def report(runner: Runner, states: Iterable[State]) -> None:
    """Store the states; those of bots that are not named are as they were."""
    now = timezone.now()
    RunnerReport.objects.bulk_create(
        [
            RunnerReport(
                runner=runner.name,
                host=runner.host,
                pid=runner.pid,
                bot_id=each.bot,
                state=each.state,
                serving_id=each.serving,
                wanted_id=each.wanted,
                error=each.error[:300],
                took=each.took,
                seen_at=now,
            )
            for each in states
        ],
        update_conflicts=True,
        unique_fields=["runner", "bot"],
        update_fields=["state", "serving", "wanted", "error", "took", "seen_at"],
    )


def leave(runner: Runner) -> None:
    """It stops as it should: nobody has to wonder where it is."""
    RunnerReport.objects.filter(runner=runner.name).delete()


def fleet(bot: Bot) -> QuerySet[RunnerReport]:
    """The runners that were heard of within the last hour, silent ones among them."""
    since = timezone.now() - timedelta(seconds=FORGOTTEN_SECONDS)
    return RunnerReport.objects.filter(bot=bot, seen_at__gte=since).select_related(
        "serving", "wanted"
    )


def is_silent(report: RunnerReport) -> bool:
    return (timezone.now() - report.seen_at).total_seconds() > SILENT_SECONDS


def forget_the_silent() -> int:
    """Delete what runners said that have not been heard of for an hour; returns how many rows."""
    before = timezone.now() - timedelta(seconds=FORGOTTEN_SECONDS)
    return RunnerReport.objects.filter(seen_at__lt=before).delete()[0]
