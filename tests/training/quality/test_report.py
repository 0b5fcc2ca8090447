"""The quality report: what it counts, and that a database keeps it."""

import json
from dataclasses import replace

from tests.training.rows import dialogue, pair
from training.quality.report import Contradiction, Lengths, Likeness, Report, report

DELIVERY = pair("How long does delivery take?", "time", answer="Three days.", scenario="delivery")
ROWS = [
    DELIVERY,
    pair("how long does delivery takes", "time", answer="Three days.", scenario="delivery"),
    pair("How long does delivery take", "time", answer="Four days.", scenario="delivery"),
    pair("多久能到", "time", "zh-hans", answer="三天。", source="shop", licence="MIT"),
    dialogue("Hello there", "And to Bern?", group="bern"),
    pair("Are you human?", "", answer="A person will know.", hands_over=True),
]


def test_everything_is_counted() -> None:
    found = report(ROWS, {"phone": 2})

    assert (found.rows, found.pairs, found.dialogues, found.hand_overs) == (6, 5, 1, 1)
    assert (found.groups, found.small_groups, found.uneven_groups) == (3, 3, 1)
    assert found.smallest_groups == (("bern (en)", 1), ("time (zh-hans)", 1), ("time (en)", 3))
    assert found.scenarios == {"delivery": 3, "other": 3}
    assert found.locales == {"en": 5, "zh-hans": 1}
    assert found.licences == {"": 5, "MIT": 1}
    assert found.near_duplicates == 2
    assert found.alike[0] == Likeness(
        "How long does delivery take?", "how long does delivery takes", 96
    )
    assert found.contradicting == (
        Contradiction("How long does delivery take?", ("Three days.", "Four days.")),
    )
    assert found.question_lengths == Lengths(20, 28, 28)
    assert found.unmasked == {"phone": 2}
    assert (found.pairs_percent, found.dialogues_percent) == (0.25, 0.2)
    assert round(found.hand_over_percent, 1) == 16.7


def test_a_question_that_leans_on_another_contradicts_nothing() -> None:
    rows = [
        dialogue("Green tea", "how much", answer="One euro."),
        dialogue("Black tea", "how much", answer="Two euros."),
    ]

    assert report(rows).contradictions == 0


def test_ways_to_hand_over_do_not_contradict_each_other() -> None:
    one = pair("Do you sell cars?", "", answer="I do not know.", hands_over=True)

    assert report([one, replace(one, messages=(*one.messages[:-1], {
        "role": "assistant", "content": "A person will know.",
    }))]).contradictions == 0  # fmt: skip


def test_a_database_keeps_it() -> None:
    found = report(ROWS)

    assert Report.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert Report.from_json({}) == Report() == report([])
