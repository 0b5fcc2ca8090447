"""The demo dataset as it ships: enough of it, every answer there, nothing measured that was learnt."""

from collections import defaultdict
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from chat import demo as shop
from chat.knowledge.questions import normalized
from chat.models.fields import LOCALES
from training import demo
from training.frozen import FrozenRow
from training.models import Dataset, Scenario
from training.quality import likeness
from training.quality.report import Report, report
from training.quality.splitting import wording
from training.services import freezing


@pytest.fixture(scope="module")
def examples() -> list[FrozenRow]:
    """As they are written, before masking."""
    return [
        FrozenRow(
            id=str(place),
            messages=tuple({"role": turn.role, "content": turn.content} for turn in each.turns),
            cluster="",
            split="train",
            group=each.group,
            locale=each.locale,
            scenario=each.scenario,
            hands_over=each.hands_over,
            source=each.source,
            licence=each.licence,
        )
        for place, each in enumerate(demo.entries())
    ]


def test_there_is_enough_of_everything(examples: list[FrozenRow]) -> None:
    asked = [row for row in examples if not row.is_dialogue]

    assert len({row.group for row in asked if row.group}) >= 60
    assert sum(not row.hands_over for row in asked) >= 2_000
    assert sum(row.hands_over for row in asked) >= 100
    assert sum(row.is_dialogue for row in examples) >= 200
    assert {row.scenario for row in examples} == set(Scenario.values)
    for locale in LOCALES:
        keys = {each.key for each in shop.knowledge(locale)}
        assert {row.group for row in asked if row.locale == locale} == keys | {""}


def test_it_is_good(examples: list[FrozenRow]) -> None:
    found = report(examples)

    assert found.contradicting == ()
    assert found.uneven_groups == 0
    assert found.near_duplicates <= len(examples) / 100
    assert set(found.licences) == {"MIT"}


def test_no_question_is_an_approved_wording_already(examples: list[FrozenRow]) -> None:
    known = {
        normalized(each)
        for locale in LOCALES
        for answer in shop.knowledge(locale)
        for each in answer.questions
    }

    assert [
        row.question
        for row in examples
        if not row.is_dialogue and normalized(row.question) in known
    ] == []


@pytest.mark.timeout(180)
@pytest.mark.django_db
def test_it_is_seeded_once_and_frozen_without_a_leak() -> None:
    with pytest.raises(CommandError, match="seed_demo"):
        call_command("seed_demo_dataset")
    call_command("seed_demo", stdout=StringIO())
    said = StringIO()
    call_command("seed_demo_dataset", stdout=said)
    call_command("seed_demo_dataset", stdout=said)
    assert said.getvalue().count("examples written") == 1

    dataset = Dataset.objects.get(slug=demo.DATASET_SLUG)
    version = freezing.freeze(dataset, author=None)
    rows = freezing.rows_of(version)

    shares = {name: count / len(rows) for name, count in version.counts.items()}
    assert shares == pytest.approx({"train": 0.8, "dev": 0.1, "test": 0.1}, abs=0.01)
    assert Report.from_json(version.report).pairs >= 2_000
    splits = defaultdict(set)
    for row in rows:
        splits[row.cluster].add(row.split)
    assert all(len(each) == 1 for each in splits.values())
    for near in likeness.pairs([wording(row) for row in rows]):
        first, second = rows[near.first], rows[near.second]
        assert first.split == second.split or first.is_dialogue is not second.is_dialogue
    taught = {(row.locale, row.group) for row in rows if row.split == "train"}
    measured = {(row.locale, row.group) for row in rows if row.split == "test" and row.group}
    assert measured <= taught
    assert len(measured) >= 200
    # What is masked are false finds: more of them would teach placeholders.
    assert sum("[NAME_" in row.question for row in rows) <= len(rows) / 100
    assert not any("[NAME_" in row.answer for row in rows)
