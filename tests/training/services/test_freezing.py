"""Freezing: what may become a version, and that it is one for ever."""

from collections import defaultdict
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import ConversationFactory, DatasetFactory, UserFactory, approve
from training.formats import Contents, Entry, Turn
from training.frozen import DatasetDamaged, digest
from training.models import Dataset, DatasetVersion, Example, FrozenExample
from training.services import examples, freezing, importing
from training.services.freezing import NotFrozen

pytestmark = pytest.mark.django_db

NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
THINGS = ["kettle", "parcel", "lamp", "invoice"]


@pytest.fixture
def dataset() -> Dataset:
    return filled(DatasetFactory())


def filled(dataset: Dataset) -> Dataset:
    rows = [
        Entry(
            (
                Turn("user", f"{number} {thing} {number[::-1]}?"),
                Turn("assistant", f"It is {thing}."),
            ),
            group=thing,
        )
        for thing in THINGS
        for number in NUMBERS
    ]
    plan = importing.plan(dataset.bot, Contents(tuple(rows), ()), dataset=dataset)
    importing.carry_out(dataset, plan, author=UserFactory(username="ann"))
    return dataset


def freeze(dataset: Dataset, **options: Any) -> DatasetVersion:
    return freezing.freeze(dataset, author=None, **options)


def test_a_version_is_a_file_with_its_lineage(dataset: Dataset) -> None:
    conversation = ConversationFactory()
    Example.objects.filter(group="lamp").update(conversation=conversation)

    version = freeze(dataset, note="first")

    rows = freezing.rows_of(version)
    path = freezing.path_of(version)
    assert (version.number, version.note, version.size) == (1, "first", path.stat().st_size)
    assert path.stat().st_mode & 0o777 == 0o444
    assert version.counts == {"train": 32, "dev": 4, "test": 4}
    assert version.report["pairs"] == len(rows) == 40
    lamps = [row for row in rows if row.group == "lamp"]
    assert {(row.conversation, row.author, row.reviewer) for row in lamps} == {
        (str(conversation.public_id), "ann", "ann")
    }
    kept = FrozenExample.objects.filter(version=version).select_related("example")
    assert {(str(each.example.public_id), each.split) for each in kept if each.example} == {
        (row.id, row.split) for row in rows
    }


def test_every_group_is_learnt_and_no_wording_is_measured_that_was(dataset: Dataset) -> None:
    rows = freezing.rows_of(freeze(dataset))

    by_group = defaultdict(set)
    by_cluster = defaultdict(set)
    for row in rows:
        by_group[row.group].add(row.split)
        by_cluster[row.cluster].add(row.split)
    assert all(splits == {"train", "dev", "test"} for splits in by_group.values())
    assert all(len(splits) == 1 for splits in by_cluster.values())


def test_the_same_content_is_the_same_version(dataset: Dataset) -> None:
    first = freeze(dataset)

    assert freeze(dataset, note="again") == first
    assert freezing.freeze(dataset, author=UserFactory()) == first
    assert DatasetVersion.objects.count() == 1


def test_what_changes_makes_the_next_version(dataset: Dataset) -> None:
    first = freeze(dataset)
    edited, gone = dataset.examples.all()[:2]
    examples.save(edited, [Turn("user", "A new question?"), Turn("assistant", "New.")], author=None)
    examples.decide([gone], Example.Status.REJECTED, reviewer=None)

    second = freeze(dataset)
    found = freezing.diff(first, second)

    assert second.number == 2
    assert [(new.id, new.question) for _old, new in found.changed] == [
        (str(edited.public_id), "A new question?")
    ]
    assert [row.id for row in found.removed] == [str(gone.public_id)]
    assert found.added == ()
    assert freezing.rows_of(first) != freezing.rows_of(second)


@pytest.mark.parametrize("status", ["draft", "rejected"])
def test_only_what_was_approved_is_learnt(dataset: Dataset, status: str) -> None:
    dataset.examples.filter(group="lamp").update(status=status)

    assert {row.group for row in freezing.rows_of(freeze(dataset))} == set(THINGS) - {"lamp"}

    dataset.examples.update(status=status)
    with pytest.raises(NotFrozen, match="no approved example"):
        freeze(dataset)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("call 13812345678", "phone"),
        ("<|im_end|>", "control_token"),
        ("what a fucking shop", "abuse"),
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_nothing_unmasked_is_frozen(dataset: Dataset, said: str, kind: str, place: int) -> None:
    example = dataset.examples.all()[3]
    example.messages[place]["content"] = said
    example.save()

    with pytest.raises(NotFrozen) as refused:
        freeze(dataset)

    assert kind in str(refused.value)
    assert str(example.public_id) in str(refused.value)
    assert said not in str(refused.value)
    assert freezing.report(dataset).unmasked == {kind: 1}
    assert not DatasetVersion.objects.exists()


def test_approved_answers_are_frozen_as_they_are_said() -> None:
    dataset = DatasetFactory()
    approve(dataset.bot, "Whom?", text="Ask for Karen Miller.")
    plan = importing.plan(
        dataset.bot,
        Contents((Entry((Turn("user", "who"), Turn("assistant", "Ask for Karen Miller."))),), ()),
    )
    importing.carry_out(dataset, plan, author=None)

    assert freezing.rows_of(freeze(dataset))[0].answer == "Ask for Karen Miller."


def test_a_damaged_version_is_refused_and_mended_by_freezing_again(dataset: Dataset) -> None:
    version = freeze(dataset)
    path = freezing.path_of(version)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(DatasetDamaged):
        freezing.rows_of(version)
    assert freeze(dataset) == version
    assert len(freezing.rows_of(version)) == 40


def test_splits_that_were_imported_are_followed(dataset: Dataset) -> None:
    dataset.examples.filter(group="lamp").update(split="test")

    rows = freezing.rows_of(freeze(dataset))

    assert {row.split for row in rows if row.group == "lamp"} == {"test"}


def test_freezing_asks_no_more_for_more_rows(dataset: Dataset) -> None:
    small = DatasetFactory()
    contents = Contents((Entry((Turn("user", "q"), Turn("assistant", "a"))),), ())
    importing.carry_out(small, importing.plan(small.bot, contents), author=None)

    counts = []
    for each in (small, dataset):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            freeze(each)
        counts.append(len(asked))

    assert counts[0] == counts[1]


def grow(dataset: Dataset, *questions: str, group: str = "kettle") -> None:
    rows = [
        Entry((Turn("user", each), Turn("assistant", "Yes.")), group=group) for each in questions
    ]
    plan = importing.plan(dataset.bot, Contents(tuple(rows), ()), dataset=dataset)
    importing.carry_out(dataset, plan, author=None)


def splits_of(version: DatasetVersion) -> dict[str, str]:
    return {row.id: row.split for row in freezing.rows_of(version)}


def test_rows_stay_in_their_split_when_a_dataset_grows(dataset: Dataset) -> None:
    first = splits_of(freeze(dataset))
    for thing in THINGS:
        grow(dataset, *(f"{thing[:3]} {word * 3} {word[::-1]}" for word in NUMBERS), group=thing)

    version = freeze(dataset)

    second = splits_of(version)
    assert {each: second[each] for each in first} == first
    # The tenths are those of all rows, old and new.
    assert version.counts == {"train": 64, "dev": 8, "test": 8}


def test_of_two_who_freeze_at_once_the_slower_one_begins_again(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would put the rows that are new to both wherever it likes."""
    split = freezing.split  # type: ignore[attr-defined]  # what it calls

    def overtaken(rows: Any, forced: Any) -> Any:
        monkeypatch.setattr(freezing, "split", split)
        grow(dataset, "one more lamp?", group="lamp")
        assert freeze(dataset).number == 1
        return split(rows, forced)

    monkeypatch.setattr(freezing, "split", overtaken)
    with pytest.raises(NotFrozen, match="Freeze it again"):
        freeze(dataset)
    assert DatasetVersion.objects.count() == 1


def test_what_was_learned_once_is_never_measured_with(dataset: Dataset) -> None:
    first = freeze(dataset)
    learned = {each for each, split in splits_of(first).items() if split == "train"}
    gone = dataset.examples.filter(public_id__in=learned)[:3]
    ids = {str(each.public_id) for each in gone}
    examples.decide(gone, Example.Status.REJECTED, reviewer=None)
    freeze(dataset)
    # It comes back, after a version without it and with a split of its own.
    Example.objects.filter(public_id__in=ids).update(status="approved", split="test")
    corrected = dataset.examples.filter(public_id__in=learned - ids)[0]
    turns = [Turn("user", "Quite another question?"), Turn("assistant", "New.")]
    examples.save(corrected, turns, author=None)
    Example.objects.filter(pk=corrected.pk).update(split="dev")

    third = splits_of(freeze(dataset))

    assert {third[each] for each in learned} == {"train"}


def test_a_new_row_that_joins_two_splits_takes_nothing_out_of_learning() -> None:
    dataset = DatasetFactory()
    words = "kettle saucer spoon basket carpet window ladder bucket pillow drawer shelf mirror"
    learned, measured = words.removesuffix(" shelf mirror"), words.removeprefix("kettle saucer ")
    grow(dataset, learned, measured, "something else", group="tree")
    dataset.examples.update(split="train")
    dataset.examples.filter(digest=_digest(measured)).update(split="test")
    first = {row.question: row.split for row in freezing.rows_of(freeze(dataset))}
    assert (first[learned], first[measured]) == ("train", "test")
    # From here on only the earlier version says so.
    dataset.examples.update(split="")
    grow(dataset, words, group="tree")

    second = {row.question: row.split for row in freezing.rows_of(freeze(dataset))}

    assert {second[learned], second[measured], second[words]} == {"train"}


def _digest(question: str) -> str:
    turns = (Turn("user", question), Turn("assistant", "Yes."))
    return digest(importing.messages_of(turns), "en")
