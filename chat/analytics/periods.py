"""From which day to which, and the time before that it is compared with."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum

LONGEST_DAYS = 366
_MOST_COLUMNS = 92


class Step(StrEnum):
    """What one column of a chart stands for."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, both included, in the time zone of whoever looks."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("last is before first")

    @classmethod
    def up_to(cls, today: date, days: int) -> "Period":
        """The last ``days`` days, today among them."""
        return cls(today - timedelta(days=days - 1), today)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Period":
        """As many days, just before."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))

    @property
    def step(self) -> Step:
        if self.days == 1:
            return Step.HOUR
        return Step.DAY if self.days <= _MOST_COLUMNS else Step.WEEK

    def bounds(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """From when (included) until when (not included)."""
        return (
            datetime.combine(self.first, time(), zone),
            datetime.combine(self.last + timedelta(days=1), time(), zone),
        )

    def columns(self) -> Iterator[datetime]:
        """The beginnings of all its columns, without a zone: as clocks on the wall show them."""
        width = {Step.HOUR: timedelta(hours=1), Step.DAY: timedelta(days=1)}.get(
            self.step, timedelta(weeks=1)
        )
        moment, end = datetime.combine(self.first, time()), self.last + timedelta(days=1)
        while moment.date() < end:
            yield moment
            moment += width

    def column(self, moment: datetime) -> datetime:
        """The beginning of the column in which ``moment`` (on the wall) is."""
        if self.step == Step.HOUR:
            return moment.replace(minute=0, second=0, microsecond=0)
        day = moment.date()
        if self.step == Step.WEEK:
            day -= timedelta(days=(day - self.first).days % 7)
        return datetime.combine(day, time())
