import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.evaluation.responses import offer, response, row
from training.evaluation.judging import Outcome, judge, says_the_same

LONG = (
    "You can return unused goods within 30 days of delivery. Print the label in your account "
    "and hand the parcel in at any post office; the refund of 49.90 euros follows in 5 days."
)
RIGHT = [
    ("Three days.", "Three days."),
    ("three days", "Three days!"),
    ("  Three   days. ", "Three days."),
    ("Hello! Three days. Anything else?", "Three days."),
    ("Parcels take 3 days. That is 3 days from today.", "Parcels take 3 days."),
    (LONG.replace("unused", "all unused"), LONG),
    (LONG.replace("any post office", "every post office"), LONG),
    ("三天送到。", "三天送到"),
    ("您好，三天送到哦", "三天送到"),
    (
        "您可以在收货后30天内退回未使用的商品，运费由我们承担哦。",
        "您可以在收货后30天内退回未使用的商品，运费由我们承担。",
    ),
    ("", ""),
]
WRONG = [
    ("", "Three days."),
    ("Three days.", ""),
    ("Two days.", "Three days."),
    ("It starts yesterday.", "Yes"),
    ("Parcels take 3 days, express takes 1 day.", "Parcels take 3 days."),
    (LONG.replace("30 days", "14 days"), LONG),
    (LONG.replace("30 days", "thirteen days"), LONG),
    (LONG.replace("49.90", "94.90"), LONG),
    (LONG.replace("49.90", "49,90.5"), LONG),
    (LONG.replace("30", "5").replace("in 5 days", "in 30 days"), LONG),
    (LONG.replace("You can return", "You cannot return"), LONG),
    (LONG[: len(LONG) // 2], LONG),
    ("您可以在收货后14天内退回未使用的商品，运费由我们承担。", "您可以在收货后30天内退回未使用的商品，运费由我们承担。"),
    ("您不可以在收货后30天内退回未使用的商品，运费由我们承担。", "您可以在收货后30天内退回未使用的商品，运费由我们承担。"),
    ("订单号15", "5"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "standard"), RIGHT)
def test_right_answers(text: str, standard: str) -> None:
    assert says_the_same(text, standard)


@pytest.mark.parametrize(("text", "standard"), WRONG)
def test_wrong_answers(text: str, standard: str) -> None:
    assert not says_the_same(text, standard)


@pytest.mark.parametrize(
    ("hands_over", "given_over", "outcome"),
    [
        (False, False, Outcome.RIGHT),
        (False, True, Outcome.HANDED_OVER),
        (True, True, Outcome.RIGHT),
        (True, False, Outcome.WRONG),
    ],
)
def test_handing_over_is_right_only_where_nothing_is_known(
    hands_over: bool, given_over: bool, outcome: Outcome
) -> None:
    said = offer() if given_over else response("Three days.")
    assert judge(row(hands_over=hands_over), said).outcome is outcome


def test_turns_are_those_of_the_customer() -> None:
    earlier = row(
        before=[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi"}]
    )
    assert judge(earlier, response()).turns == 2


@given(st.text(max_size=80))
def test_a_text_says_the_same_as_itself(text: str) -> None:
    assert says_the_same(text, text)


@given(st.integers(0, 999), st.integers(0, 999))
def test_another_number_is_never_right(one: int, other: int) -> None:
    template = "The parcel takes {} days when it is sent from our warehouse in Hamburg."
    assert says_the_same(template.format(one), template.format(other)) == (one == other)
