"""All that is measured of one set of answers, as it is stored and shown."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from training.evaluation.intervals import Interval, by_group, percentile, wilson
from training.evaluation.judging import Judged, Outcome
from training.evaluation.overlap import Bleu, bleu, rouge_l


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Right answers among questions that have one. ``rate`` is None when there are none.

    ``offered`` are those handed over whose right answer was among the offered questions'.
    ``interval`` takes questions for independent (Wilson), ``group_interval`` answer groups.
    """

    right: int
    wrong: int
    handed_over: int
    total: int
    rate: float | None
    interval: Interval
    group_interval: Interval
    wrong_rate: float | None
    handed_over_rate: float | None
    offered: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """Questions that nothing approved answers. ``wrong_rate`` is that of those answered anyway."""

    handed_over: int
    total: int
    handed_over_rate: float | None
    interval: Interval
    wrong_rate: float | None


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds until a whole answer was there; ``tokens_per_second`` of what a model generated."""

    p50: float | None
    p95: float | None
    p99: float | None
    mean: float | None
    tokens_per_second: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """``follow_up`` are questions after an earlier one of the same conversation.

    ``groups`` is right and total by answer group, ``group_accuracy`` the mean of their shares: a
    group with many wordings counts no more than another. ``bleu`` and ``rouge_l`` are by
    language, over questions that have an answer. ``sources`` counts where answers came from.
    """

    questions: int
    accuracy: Accuracy
    unknown: Unknown
    follow_up: Accuracy
    model_accuracy: Accuracy
    group_accuracy: float | None
    groups: Mapping[str, tuple[int, int]]
    scenarios: Mapping[str, Accuracy]
    locales: Mapping[str, Accuracy]
    unknown_locales: Mapping[str, Unknown]
    bleu: Mapping[str, Bleu]
    rouge_l: Mapping[str, float]
    speed: Speed
    model_speed: Speed
    sources: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def measure(judged: Sequence[Judged]) -> Figures:
    """The figures of these answers. Total: of no answers, too."""
    answerable = [each for each in judged if not each.row.hands_over]
    unknown = [each for each in judged if each.row.hands_over]
    groups = _split(answerable, _group_of)
    scenarios = _split(answerable, lambda each: each.row.scenario)
    locales = _split(answerable, _locale_of)
    return Figures(
        questions=len(judged),
        accuracy=_accuracy(answerable),
        unknown=_unknown(unknown),
        follow_up=_accuracy([each for each in answerable if each.turns > 1]),
        # A question that never reached the model says nothing about it.
        model_accuracy=_accuracy([each for each in answerable if each.response.tokens]),
        group_accuracy=_mean([sum(_flags(some)) / len(some) for some in groups.values()]),
        groups={name: (sum(_flags(some)), len(some)) for name, some in groups.items()},
        scenarios={name: _accuracy(some) for name, some in scenarios.items()},
        locales={name: _accuracy(some) for name, some in locales.items()},
        unknown_locales={
            name: _unknown(some) for name, some in _split(unknown, _locale_of).items()
        },
        bleu=_bleu(locales),
        rouge_l=_rouge_l(locales),
        speed=_speed(judged),
        model_speed=_speed([each for each in judged if each.response.tokens]),
        sources=dict(sorted(Counter(each.response.source for each in judged).items())),
    )


def _accuracy(judged: Sequence[Judged]) -> Accuracy:
    total = len(judged)
    right, wrong, handed_over = (
        sum(each.outcome is outcome for each in judged)
        for outcome in (Outcome.RIGHT, Outcome.WRONG, Outcome.HANDED_OVER)
    )
    groups = {name: _flags(some) for name, some in _split(judged, _group_of).items()}
    return Accuracy(
        right=right,
        wrong=wrong,
        handed_over=handed_over,
        total=total,
        rate=_rate(right, total),
        interval=wilson(right, total),
        group_interval=by_group(groups),
        wrong_rate=_rate(wrong, total),
        handed_over_rate=_rate(handed_over, total),
        offered=sum(each.is_offered for each in judged),
    )


def _unknown(judged: Sequence[Judged]) -> Unknown:
    right, total = sum(_flags(judged)), len(judged)
    return Unknown(
        handed_over=right,
        total=total,
        handed_over_rate=_rate(right, total),
        interval=wilson(right, total),
        wrong_rate=_rate(total - right, total),
    )


def _speed(judged: Sequence[Judged]) -> Speed:
    seconds = [each.response.seconds for each in judged]
    generated = [each.response for each in judged if each.response.tokens]
    took = sum(each.seconds for each in generated)
    return Speed(
        p50=percentile(seconds, 0.5),
        p95=percentile(seconds, 0.95),
        p99=percentile(seconds, 0.99),
        mean=_mean(seconds),
        tokens_per_second=sum(each.tokens for each in generated) / took if took else None,
    )


def _bleu(locales: Mapping[str, Sequence[Judged]]) -> dict[str, Bleu]:
    found = {name: bleu(_texts(some), _standards(some), name) for name, some in locales.items()}
    return {name: each for name, each in found.items() if each is not None}


def _rouge_l(locales: Mapping[str, Sequence[Judged]]) -> dict[str, float]:
    return {
        name: sum(map(rouge_l, _texts(some), _standards(some))) / len(some)
        for name, some in locales.items()
    }


def _split(judged: Iterable[Judged], key: Callable[[Judged], str]) -> dict[str, list[Judged]]:
    parts: defaultdict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        parts[key(each)].append(each)
    return dict(sorted(parts.items()))


def _group_of(judged: Judged) -> str:
    return judged.row.group


def _locale_of(judged: Judged) -> str:
    return judged.row.locale


def _flags(judged: Iterable[Judged]) -> list[bool]:
    return [each.is_right for each in judged]


def _texts(judged: Iterable[Judged]) -> list[str]:
    return [each.response.text for each in judged]


def _standards(judged: Iterable[Judged]) -> list[str]:
    return [each.row.answer for each in judged]


def _rate(count: int, total: int) -> float | None:
    return count / total if total else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
