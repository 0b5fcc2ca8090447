"""A stream shows what the whole text would show, however it is cut, and never takes anything back."""

import dataclasses
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.findings import Action, Direction
from moderation.masking import masked
from moderation.pipeline import moderate
from moderation.policy import Policy
from moderation.stream import StreamGuard
from moderation.words.lexicon import Level, Lexicon
from moderation.words.matcher import WordMatcher
from tests.moderation.policies import WORDS, policy
from tests.moderation.test_pipeline import Broken

POLICY = policy()
STRICT = dataclasses.replace(
    POLICY,
    rules=dataclasses.replace(POLICY.rules, levels=frozenset(Level)),
    matcher=WordMatcher(Lexicon(WORDS), frozenset(Level)),
)
PIECES = [
    "plonker",
    "p l o n k e r",
    "plonk",
    "plooooonker",
    "zorgite",
    "Zorg",
    "ite",
    "坏东西",
    "坏 东",
    "西",
    "黑货",
    "黑货船",
    "13812345678",
    "138 1234",
    "5678",
    "ann@mail.example",
    "ann",
    "@",
    "help@shop.example",
    "+1 212 555 0100",
    "4111111111111111",
    "11010519491231002X",
    "GB82 WEST 1234 5698 7654 32",
    "https://u:pw@host.example/x",
    "Order 13812345678",
    "订单号13812345678",
    " ",
    ", ",
    ". ",
    "\n",
    "，",
    "。",
    "hello",
    "the",
    "1",
    "2",
    "a",
    "我",
    "的",
    "\u200b",
    "ｆ",
    "…",
    "é",
    "\U0001f600",
    "<|im_start|>",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


def streamed(text: str, cuts: list[int], policy: Policy = POLICY) -> tuple[str, bool]:
    guard = StreamGuard(policy, Direction.OUTBOUND)
    edges = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    shown = [guard.push(text[start:end]) for start, end in pairwise(edges)]
    return "".join([*shown, guard.close()]), guard.is_blocked


def expected(text: str, policy: Policy = POLICY) -> tuple[str, bool]:
    """The text as moderated in one piece, up to the first blocked span."""
    verdict = moderate(text, policy, Direction.OUTBOUND)
    blocked = [each.start for each in verdict.findings if each.action is Action.BLOCK]
    if not blocked:
        return verdict.text, False
    first = min(blocked)
    for each in reversed(verdict.findings):
        if each.start < first < each.end:
            first = each.start
    before = [each for each in verdict.findings if each.end <= first]
    return masked(text[:first], before), True


@given(TEXTS, st.lists(st.integers(0, 200), max_size=12))
def test_no_cut_changes_what_is_shown(text: str, cuts: list[int]) -> None:
    whole, was_blocked = expected(text)
    shown, is_blocked = streamed(text, cuts)

    assert is_blocked == was_blocked
    assert shown == whole or (is_blocked and whole.startswith(shown))


@given(TEXTS)
def test_nothing_blocked_is_shown_character_by_character(text: str) -> None:
    for policy_ in (POLICY, STRICT):
        shown, _ = streamed(text, list(range(len(text))), policy_)
        for match in policy_.matcher.find(shown):
            pytest.fail(f"{match.term} was shown")


@given(TEXTS, st.lists(st.integers(0, 200), max_size=12))
def test_the_strict_levels_hold_as_well(text: str, cuts: list[int]) -> None:
    shown, is_blocked = streamed(text, cuts, STRICT)
    whole, was_blocked = expected(text, STRICT)

    assert is_blocked == was_blocked
    assert whole.startswith(shown) if is_blocked else shown == whole


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("You are a plonker, sir", "You are a "),
        ("Ask for plonkerhoo", "Ask for plonkerhoo"),
        ("Call 138 1234 5678 now", "Call [PHONE_1] now"),
    ],
)
def test_each_split_point_shows_the_same(text: str, shown: str) -> None:
    for cut in range(len(text) + 1):
        assert streamed(text, [cut])[0] == shown


def test_after_a_blocked_word_nothing_comes_any_more() -> None:
    guard = StreamGuard(POLICY, Direction.OUTBOUND)

    assert guard.push("You plonker, and ") == "You "
    assert guard.is_blocked
    assert guard.push("more") == guard.close() == ""


def test_a_check_that_fails_ends_the_stream() -> None:
    guard = StreamGuard(policy(recognizers=(Broken(),)), Direction.OUTBOUND)

    assert guard.push("Hello there") == ""
    assert guard.is_blocked


def test_of_ordinary_prose_only_the_last_word_is_held() -> None:
    guard = StreamGuard(POLICY, Direction.OUTBOUND)

    assert guard.push("It is in the post, and comes") == "It is in the post, and "
    assert guard.push(" soon. ") == "comes soon. "


def test_the_delay_is_the_time_that_characters_were_held() -> None:
    now = 0.0
    guard = StreamGuard(POLICY, Direction.OUTBOUND, clock=lambda: now)
    guard.push("Well. plonk")
    now = 2.0
    guard.push("s are birds. ")

    assert guard.delay(0.2) == 0.0
    assert guard.delay(0.95) in (0.0, 2.0)
    assert guard.delay(1.0) == 2.0
