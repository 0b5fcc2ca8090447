"""Figures of stored evaluations."""

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.machine import Figure, figure
from training.evaluation import targets
from training.evaluation.intervals import wilson


def share(
    name: str,
    count: int,
    total: int,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Iterator[Figure]:
    """A share of questions with its interval; nothing when none was asked."""
    if not total:
        return
    low, high = wilson(count, total)
    found = figure(name, "", [count / total], at_least=at_least, at_most=at_most)
    yield {**found, "low": round(low, 4), "high": round(high, 4), "repeats": total}


def tuned(title: str, found: Mapping[str, Any]) -> list[Figure]:
    """What a tuned model has to reach: all of it, and each language."""
    figures = [
        *share(f"{title}: right", *_right(found["accuracy"]), at_least=targets.ACCURACY),
        *share(f"{title}: wrong", found["accuracy"]["wrong"], found["accuracy"]["total"]),
        *share(f"{title}: needless hand-overs", *_handed_over(found["accuracy"])),
        *share(f"{title}: right, or among the questions offered", *_in_reach(found["accuracy"])),
        *share(
            f"{title}: follow-ups right", *_right(found["follow_up"]), at_least=targets.FOLLOW_UP
        ),
        *_unknown(title, found["unknown"]),
    ]
    for locale, each in found["locales"].items():
        figures += share(f"{title} {locale}: right", *_right(each), at_least=targets.ACCURACY)
        figures += share(f"{title} {locale}: needless hand-overs", *_handed_over(each))
    for locale, each in found["unknown_locales"].items():
        figures += _unknown(f"{title} {locale}", each)
    return figures + _bleu(title, found, at_least=targets.BLEU) + speed(title, found)


def untuned(title: str, found: Mapping[str, Any]) -> list[Figure]:
    """The same of a model that has learned nothing; nothing is asked of it."""
    unknown = found["unknown"]
    return [
        *share(f"{title}: right", *_right(found["accuracy"])),
        *share(f"{title}: needless hand-overs", *_handed_over(found["accuracy"])),
        *share(f"{title}: follow-ups right", *_right(found["follow_up"])),
        *share(f"{title}: out of scope, answered", _answered(unknown), unknown["total"]),
        *(
            made
            for locale, each in found["locales"].items()
            for made in share(f"{title} {locale}: right", *_right(each))
        ),
        *_bleu(title, found),
    ]


def speed(title: str, found: Mapping[str, Any]) -> list[Figure]:
    """Seconds of whole answers, one customer at a time, whether a model was asked or not."""
    took = found["speed"]
    return [
        figure(f"{title}: seconds an answer, P50", "s", [took["p50"]]),
        figure(f"{title}: seconds an answer, P99", "s", [took["p99"]], at_most=targets.P99_SECONDS),
    ]


def _unknown(title: str, found: Mapping[str, Any]) -> Iterator[Figure]:
    """Questions that nothing approved answers: a person has to be offered."""
    total = found["total"]
    yield from share(f"{title}: out of scope, handed over", found["handed_over"], total)
    yield from share(
        f"{title}: out of scope, answered", _answered(found), total, at_most=targets.UNKNOWN_WRONG
    )


def _answered(unknown: Mapping[str, Any]) -> int:
    return int(unknown["total"] - unknown["handed_over"])


def _right(accuracy: Mapping[str, Any]) -> tuple[int, int]:
    return accuracy["right"], accuracy["total"]


def _in_reach(accuracy: Mapping[str, Any]) -> tuple[int, int]:
    return accuracy["right"] + accuracy["offered"], accuracy["total"]


def _handed_over(accuracy: Mapping[str, Any]) -> tuple[int, int]:
    return accuracy["handed_over"], accuracy["total"]


def _bleu(title: str, found: Mapping[str, Any], *, at_least: float | None = None) -> list[Figure]:
    return [
        figure(f"{title} {locale}: BLEU-4", "", [each["score"]], at_least=at_least)
        for locale, each in found["bleu"].items()
    ]
