"""Examples one by one: masked like all others, and reviewed by whoever touches them."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission

from tests.factories import DatasetFactory, UserFactory
from training.formats import Turn
from training.models import Dataset, Example
from training.services import examples
from training.services.examples import InvalidExample

pytestmark = pytest.mark.django_db


def written(dataset: Dataset, *said: str, **fields: Any) -> Example:
    turns = [Turn("assistant" if n % 2 else "user", text) for n, text in enumerate(said)]
    return examples.save(Example(dataset=dataset, **fields), turns, author=None)


def test_an_example_is_masked_and_numbered() -> None:
    example = written(DatasetFactory(), "call 13812345678", "ok", group="g")

    assert example.question == "call [PHONE_1]"
    assert len(example.digest) == 64
    assert example.group == "g"


def test_a_corrected_example_keeps_its_id_and_has_a_reviewer() -> None:
    dataset, ann = DatasetFactory(), UserFactory()
    ann.user_permissions.add(Permission.objects.get(codename="approve_example"))
    example = written(dataset, "q", "a")
    before = (example.public_id, example.digest)

    turns = [Turn("user", "q"), Turn("assistant", "better")]
    examples.save(example, turns, author=ann)

    example.refresh_from_db()
    assert example.public_id == before[0]
    assert example.digest != before[1]
    assert (example.answer, example.reviewer) == ("better", ann)
    assert written(dataset, "q", "a").public_id != example.public_id


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (("q",), "does not end with an answer"),
        ((), "There is no question"),
        (("what a fucking shop", "a"), "does not let this pass: abuse"),
        (("known", "yes"), "holds the same conversation"),
    ],
)
def test_what_cannot_be_kept_is_told(said: tuple[str, ...], message: str) -> None:
    dataset = DatasetFactory()
    written(dataset, "known", "yes")

    with pytest.raises(InvalidExample, match=message):
        written(dataset, *said)
    assert dataset.examples.count() == 1


def test_what_hands_over_has_no_group() -> None:
    assert written(DatasetFactory(), "q", "a", group="g", hands_over=True).group == ""


def test_decisions_are_counted_and_signed() -> None:
    dataset, ann = DatasetFactory(), UserFactory()
    some = [written(dataset, f"q {n}", "a") for n in range(2)]

    assert examples.decide(some, Example.Status.REJECTED, reviewer=ann) == 2
    some = list(dataset.examples.all())
    assert {(each.status, each.reviewer) for each in some} == {("rejected", ann)}
    assert examples.decide(some, Example.Status.REJECTED, reviewer=None) == 0
    assert examples.decide(some[:1], Example.Status.DRAFT, reviewer=ann) == 1
    assert dataset.examples.get(status="draft").reviewer is None


def test_nobody_approves_what_they_wrote() -> None:
    dataset = DatasetFactory()
    author, other = UserFactory(), UserFactory()
    example = examples.save(
        Example(dataset=dataset, locale="en", status=Example.Status.APPROVED),
        [Turn("user", "Do you sell lamps?"), Turn("assistant", "Yes, five kinds.")],
        author=author,
    )
    assert example.status == "draft", "of somebody who may not approve it waits"
    assert examples.decide([example], Example.Status.APPROVED, reviewer=author) == 0
    assert examples.decide([example], Example.Status.APPROVED, reviewer=other) == 1
    example.refresh_from_db()
    assert (example.status, example.author, example.reviewer) == ("approved", author, other)
