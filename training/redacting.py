"""Rows of somebody who was erased leave frozen versions: a new file without them, and no other.

A version keeps its number and its place in the history of its models; its file is another one from then on,
named for its own digest, and the version says which digest it had before.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from chat.libraries import forget_vectors
from moderation.services import audit
from training import frozen
from training.frozen import DatasetDamaged, FrozenRow
from training.models import DatasetVersion, EvaluatedAnswer, FrozenExample, Split
from training.quality import report as quality
from training.services import freezing

_NAMED = re.compile(rb'"(?:id|conversation)": "([0-9a-f-]{36})"')
_AT_ONCE = 500


class Changed(Exception):
    """The version is another one by now: prepare again."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose rows: the public ids of conversations, and of the examples that came of them."""

    conversations: frozenset[str]
    examples: frozenset[str]

    def to_json(self) -> dict[str, list[str]]:
        return {"conversations": sorted(self.conversations), "examples": sorted(self.examples)}

    @classmethod
    def from_json(cls, stored: dict[str, list[str]]) -> Self:
        return cls(frozenset(stored["conversations"]), frozenset(stored["examples"]))

    def has(self, row: FrozenRow) -> bool:
        return row.conversation in self.conversations or row.id in self.examples

    def is_named_in(self, path: Path) -> bool:
        """Whether one of the ids stands in a file: quick, and of damaged ones, too."""
        try:
            named = _NAMED.findall(path.read_bytes())
        except OSError:
            return False
        return not (self.conversations | self.examples).isdisjoint(map(bytes.decode, named))


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a version will be, and which rows it loses."""

    version: DatasetVersion
    written: frozen.Written
    kept: list[FrozenRow]
    gone: list[FrozenRow]

    @property
    def counts(self) -> dict[str, int]:
        """Of the rows that go, by split."""
        return dict(Counter(row.split for row in self.gone))


def rows_of(origin: Origin) -> Iterator[tuple[DatasetVersion, list[FrozenRow]]]:
    """The rows that stem from ``origin``, in every version whose file can be read."""
    for version in DatasetVersion.objects.select_related("dataset__bot").order_by("pk"):
        if not origin.is_named_in(freezing.path_of(version)):
            continue
        try:
            rows = [row for row in freezing.rows_of(version) if origin.has(row)]
        except DatasetDamaged:
            # It is worth nothing any more, and goes with the rest: see sweep().
            continue
        if rows:
            yield version, rows


def prepare(version: DatasetVersion, origin: Origin) -> Prepared:
    """Write the file without the rows. Raises :class:`~training.frozen.DatasetDamaged`."""
    rows = freezing.rows_of(version)
    kept = [row for row in rows if not origin.has(row)]
    written = frozen.write_rows(freezing.datasets_folder(), kept)
    return Prepared(version, written, kept, [row for row in rows if origin.has(row)])


@transaction.atomic
def apply(prepared: Prepared) -> dict[str, Any]:
    """The version is the new file from now on; returns what it is known for (``redactions``).

    Held-out answers to the rows, their digests and vectors go, too. Raises :class:`Changed`.
    """
    version = DatasetVersion.objects.select_for_update().get(pk=prepared.version.pk)
    if version.sha256 != prepared.version.sha256:
        raise Changed
    redaction = {
        "before": version.sha256,
        "after": prepared.written.sha256,
        "rows": prepared.counts,
        "at": timezone.now().isoformat(timespec="seconds"),
    }
    version.sha256, version.size = prepared.written.sha256, prepared.written.size
    version.counts = dict.fromkeys(Split.values, 0) | Counter(row.split for row in prepared.kept)
    unmasked = version.report.get("unmasked", {})
    # It quotes questions that are alike.
    version.report = quality.report(prepared.kept, unmasked).to_json()
    version.redactions = [*version.redactions, redaction]
    version.save(update_fields=["sha256", "size", "counts", "report", "redactions"])
    _forget(version, prepared.gone)
    audit.record(
        "dataset_version.redacted",
        target=f"dataset-version:{version.public_id}",
        bot=version.dataset.bot.slug,
        facts={"number": version.number, **redaction},
    )
    return redaction


def is_still(version: DatasetVersion, sha256: str) -> bool:
    """Whether nobody was erased from the file of this digest, and so until the transaction ends."""
    current = DatasetVersion.objects.select_for_update().get(pk=version.pk)
    return current.sha256 == sha256


def forget_digests(frozen_examples: Iterable[FrozenExample]) -> None:
    """A digest of what somebody wrote can be tried out: another mark stands in its place."""
    for each in frozen_examples:
        each.digest = f"erased-{uuid4().hex}"
        each.save(update_fields=["digest"])


def sweep(origin: Origin) -> int:
    """Remove files that hold rows of ``origin`` and are no version's any more; returns how many.

    Those that a crash left half written, and damaged ones, go, too.
    """
    whole = {
        freezing.path_of(version).name
        for version in DatasetVersion.objects.all()
        if not _is_damaged(version, origin)
    }
    folder = freezing.datasets_folder()
    files = [each for each in folder.iterdir() if each.is_file()] if folder.is_dir() else []
    doomed = [each for each in files if each.name not in whole and origin.is_named_in(each)]
    for each in doomed:
        each.unlink(missing_ok=True)
    return len(doomed)


def _is_damaged(version: DatasetVersion, origin: Origin) -> bool:
    if not origin.is_named_in(freezing.path_of(version)):
        return False
    try:
        freezing.rows_of(version)
    except DatasetDamaged:
        return True
    return False


def _forget(version: DatasetVersion, gone: list[FrozenRow]) -> None:
    digests = [frozen.digest(row.messages, row.locale) for row in gone]
    asked = [frozen.digest(row.messages[:-1], row.locale) for row in gone]
    for at in range(0, len(gone), _AT_ONCE):
        here = slice(at, at + _AT_ONCE)
        forget_digests(FrozenExample.objects.filter(version=version, digest__in=digests[here]))
        EvaluatedAnswer.objects.filter(
            evaluation__dataset_version=version, digest__in=asked[here]
        ).delete()
    for row in gone:
        said = [each["content"] for each in row.messages if each["role"] == "user"]
        # A follow-up is looked up with the question before it, too.
        forget_vectors([*said, *(" ".join(pair) for pair in pairwise(said))])
