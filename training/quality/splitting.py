"""Rows to learn from, to choose by and to measure with, so that no wording is in two of them."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from chat.knowledge.questions import normalized
from training.frozen import FrozenRow, Split
from training.quality import likeness

SHARES: dict[Split, float] = {"test": 0.1, "dev": 0.1}


@dataclass(slots=True)
class _Cluster:
    """Rows that ask in nearly the same words."""

    name: str
    rows: list[int]
    strata: set[str]
    forced: set[Split] = field(default_factory=set)
    split: Split = "train"

    @property
    def is_free(self) -> bool:
        return not self.forced


def split(rows: Sequence[FrozenRow], forced: Sequence[str] = ()) -> list[FrozenRow]:
    """The rows with their cluster and split.

    In every answer group and language about a tenth of the clusters is to measure with and a
    tenth to choose by, chosen by their hash; the rest, and at least one, is to learn from. A
    wording that two answers share is never measured with. Dialogues are split among themselves.
    Where ``forced`` names a split for a row its cluster follows, and counts among the tenths; where it
    would tear one apart, all of it is to learn from.
    """
    clusters = _clusters(rows, forced or [""] * len(rows))
    strata: dict[str, list[_Cluster]] = defaultdict(list)
    for each in clusters:
        if each.forced:
            each.split = next(iter(each.forced)) if len(each.forced) == 1 else "train"
        if len(each.strata) == 1:
            strata[next(iter(each.strata))].append(each)
    for stratum, members in strata.items():
        _divide(stratum, members)
    _teach_every_group(rows, clusters)
    return [
        replace(rows[place], cluster=each.name, split=each.split)
        for place, each in sorted(
            ((place, each) for each in clusters for place in each.rows), key=lambda pair: pair[0]
        )
    ]


def _clusters(rows: Sequence[FrozenRow], forced: Sequence[str]) -> list[_Cluster]:
    members: dict[tuple[bool, int], list[int]] = defaultdict(list)
    for is_dialogue in (False, True):
        places = [place for place, row in enumerate(rows) if row.is_dialogue is is_dialogue]
        firsts = likeness.clusters([wording(rows[place]) for place in places])
        for place, first in zip(places, firsts, strict=True):
            members[is_dialogue, first].append(place)
    return [
        _Cluster(
            name=_hash(*min(_exact(rows[place]) for place in places))[:16],
            rows=places,
            strata={_stratum(rows[place]) for place in places},
            forced={forced[place] for place in places if forced[place]},  # type: ignore[misc]
        )
        for places in members.values()
    ]


def wording(row: FrozenRow) -> str:
    """What is compared: the question; of a dialogue, how it begins and how it ends."""
    if not row.is_dialogue:
        return row.question
    return f"{row.messages[0]['content']} … {row.question}"


def _exact(row: FrozenRow) -> tuple[str, str]:
    return ("dialogue" if row.is_dialogue else "question", normalized(wording(row)))


def _stratum(row: FrozenRow) -> str:
    if row.is_dialogue or row.hands_over:
        return f"{row.locale} {row.is_dialogue} {row.hands_over}"
    return f"{row.locale} {row.group}"


def _divide(stratum: str, members: list[_Cluster]) -> None:
    """Of few clusters a tenth is none or one: the stratum's hash decides, so that over all of
    them it comes to a tenth. Those that are forced are counted, or a dataset that grows by a few
    rows at a time would never get more to measure with."""
    free = sorted(
        (each for each in members if each.is_free), key=lambda each: _hash(stratum, each.name)
    )
    is_taught = any(not each.is_free and each.split == "train" for each in members)
    for name, share in SHARES.items():
        there = sum(not each.is_free and each.split == name for each in members)
        wanted = int(len(members) * share + _fraction(_hash(name, stratum))) - there
        left = max(len(free) - max(wanted, 0), 0 if is_taught else 1)
        for each in free[left:]:
            each.split = name
        free = free[:left]


def _teach_every_group(rows: Sequence[FrozenRow], clusters: list[_Cluster]) -> None:
    """A group of which nothing would be learnt gets one of its clusters back."""
    holders: dict[tuple[str, str], list[_Cluster]] = defaultdict(list)
    for each in clusters:
        for key in {(rows[place].locale, rows[place].group) for place in each.rows}:
            holders[key].append(each)
    for (_locale, group), mine in sorted(holders.items()):
        free = [each for each in mine if each.is_free]
        if group and free and all(each.split != "train" for each in mine):
            min(free, key=lambda each: _hash(group, each.name)).split = "train"


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _fraction(digest: str) -> float:
    return int(digest[:8], 16) / 2**32
