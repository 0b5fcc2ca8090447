"""A dataset as it is now becomes a version that never changes."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from moderation.actors import named
from moderation.services import audit
from training import frozen, places
from training.frozen import Diff, FrozenRow, Written
from training.models import Dataset, DatasetVersion, Example, FrozenExample, Split
from training.quality import report as quality
from training.quality.report import Report
from training.quality.splitting import split
from training.screening import Screen
from training.services.importing import Progress, screen_of

_BATCH = 500


class NotFrozen(ValueError):
    """The dataset cannot be frozen as it is; the text says why, to a person."""


def freeze(
    dataset: Dataset, *, author: User | None, note: str = "", progress: Progress | None = None
) -> DatasetVersion:
    """Write the approved examples as a new version.

    The same content is the same version: an existing one is returned, and its file mended if it
    was damaged. Raises :class:`NotFrozen` when there is nothing to learn from, when something
    stands in an example that the policy of today would replace or block, and when examples were
    erased meanwhile.
    """
    examples = _approved(dataset)
    rows = _rows_of(examples)
    if not rows:
        raise NotFrozen(_("There is no approved example in this dataset."))
    left = _left(screen_of(dataset.bot), rows, progress)
    if left:
        raise NotFrozen(_refusal(rows, left))
    before = _newest(dataset)
    earlier = _earlier_splits(dataset)
    divided = split(rows, [_kept_split(each, earlier) for each in examples])
    written: Written | None = None
    try:
        with transaction.atomic():
            # Two people may freeze at once: the numbers of versions are given one after the other.
            # An erasure holds this row, too.
            Dataset.objects.select_for_update().get(pk=dataset.pk)
            _check_still_there(dataset, examples)
            written = frozen.write_rows(datasets_folder(), divided)
            versions = dataset.versions.all()
            if (known := versions.filter(sha256=written.sha256).first()) is not None:
                return known
            if (newest := _newest(dataset)) != before:
                # Whoever was faster may have put a new row elsewhere than it was put here.
                raise NotFrozen(
                    _("The dataset changed while it was being frozen. Freeze it again.")
                )
            version = DatasetVersion.objects.create(
                dataset=dataset,
                number=newest + 1,
                sha256=written.sha256,
                size=written.size,
                counts=dict.fromkeys(Split.values, 0) | Counter(row.split for row in divided),
                report=quality.report(divided).to_json(),
                note=note[:200],
                created_by=author,
            )
            FrozenExample.objects.bulk_create(
                (
                    FrozenExample(
                        version=version, example=each, digest=each.digest, split=row.split
                    )
                    for each, row in zip(examples, divided, strict=True)
                ),
                batch_size=_BATCH,
            )
            audit.record(
                "dataset.frozen",
                target=f"dataset:{dataset.public_id}",
                bot=dataset.bot.slug,
                facts={"version": version.number, "sha256": version.sha256, "rows": len(rows)},
                by=named(author),
            )
    except BaseException:
        if written is not None:
            _remove_unless_frozen(dataset, written)
        raise
    return version


def rows_of(version: DatasetVersion) -> list[FrozenRow]:
    """Raises :class:`training.frozen.DatasetDamaged`."""
    return frozen.read_rows(path_of(version), version.sha256)


def diff(before: DatasetVersion, after: DatasetVersion) -> Diff:
    """Raises :class:`training.frozen.DatasetDamaged`."""
    return frozen.diff(rows_of(before), rows_of(after))


def report(dataset: Dataset) -> Report:
    """How good the approved examples are now."""
    rows = _rows_of(_approved(dataset))
    left = _left(screen_of(dataset.bot), rows)
    return quality.report(rows, sum(left.values(), Counter()))


def path_of(version: DatasetVersion) -> Path:
    return datasets_folder() / f"{version.sha256}.jsonl"


def datasets_folder() -> Path:
    return places.training_folder() / "datasets"


def _approved(dataset: Dataset) -> list[Example]:
    """In an order that depends on nothing but what they say."""
    return list(
        dataset.examples.filter(status=Example.Status.APPROVED)
        .select_related("conversation", "author", "reviewer")
        .order_by("digest")
    )


def _newest(dataset: Dataset) -> int:
    """The number of the newest version; 0 before there is one."""
    return dataset.versions.aggregate(newest=Max("number"))["newest"] or 0


def _earlier_splits(dataset: Dataset) -> dict[int | str, str]:
    """Where earlier versions had a row, by its example and by its digest: an example may have been
    corrected since, or deleted and imported again."""
    found = (
        FrozenExample.objects.filter(version__dataset=dataset)
        .values_list("example_id", "digest", "split")
        .annotate(newest=Max("version__number"))
        .order_by("newest")
    )
    earlier: dict[int | str, str] = {}
    for example, digest, name, _newest in found:
        for key in (example, digest):
            if key is not None and earlier.get(key) != Split.TRAIN:
                earlier[key] = name
    return earlier


def _kept_split(example: Example, earlier: dict[int | str, str]) -> str:
    """The split that a row must not leave; empty for one that no version had.

    Models that go on from others, tuned searches and the bot's knowledge hold for ever what was once
    to learn from. Measuring or choosing with it later would flatter them, so it stays in ``train``,
    whatever was moved since or the data says. For the same reason a cluster in which
    something new joins rows of two splits is all to learn from: see :func:`split`.
    """
    before = [earlier[key] for key in (example.pk, example.digest) if key in earlier]
    if Split.TRAIN in before:
        return Split.TRAIN
    return example.split or next(iter(before), "")


def _check_still_there(dataset: Dataset, examples: Sequence[Example]) -> None:
    """What is gone from the rows must not get into a file: nobody would look for it there."""
    present = set(dataset.examples.values_list("pk", flat=True))
    if not present.issuperset(each.pk for each in examples):
        raise NotFrozen(_("The dataset changed while it was being frozen. Freeze it again."))


def _remove_unless_frozen(dataset: Dataset, written: Written) -> None:
    """A file that no version came of would outlive what stands in it."""
    with transaction.atomic():
        # Whoever freezes the same now has written it by the time they let go of this row.
        Dataset.objects.select_for_update().get(pk=dataset.pk)
        if not DatasetVersion.objects.filter(sha256=written.sha256).exists():
            written.path.unlink(missing_ok=True)


def _rows_of(examples: Sequence[Example]) -> list[FrozenRow]:
    return [
        FrozenRow(
            id=str(each.public_id),
            messages=tuple(each.messages),
            group=each.group,
            cluster="",
            split="train",
            locale=each.locale,
            scenario=each.scenario,
            hands_over=each.hands_over,
            source=each.source,
            licence=each.licence,
            conversation=str(each.conversation.public_id) if each.conversation else None,
            author=each.author.get_username() if each.author else None,
            reviewer=each.reviewer.get_username() if each.reviewer else None,
        )
        for each in examples
    ]


def _left(
    screen: Screen, rows: Sequence[FrozenRow], progress: Progress | None = None
) -> dict[int, Counter[str]]:
    """What is to be masked yet, by the place of its row."""
    found = {}
    for place, row in enumerate(rows):
        if left := screen.left(row.messages):
            found[place] = left
        if progress:
            progress(1)
    return found


def _refusal(rows: Sequence[FrozenRow], left: dict[int, Counter[str]]) -> str:
    counts = sum(left.values(), Counter[str]())
    kinds = ", ".join(f"{kind} ({count})" for kind, count in counts.most_common())
    first = ", ".join(rows[place].id for place in list(left)[:5])
    return _(
        "The policy of today finds in %(count)d examples what must not be learnt: %(kinds)s. "
        "The first of them: %(first)s."
    ) % {"count": len(left), "kinds": kinds, "first": first}
