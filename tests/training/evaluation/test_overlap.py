import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.overlap import bleu, rouge_l


@pytest.mark.parametrize(
    ("given_text", "standard", "score"),
    [
        # Lin (2004), section 3.1: S1 "police killed the gunman".
        ("police kill the gunman", "police killed the gunman", 0.75),
        ("the gunman kill police", "police killed the gunman", 0.5),
        ("Three days.", "three DAYS", 1.0),
        ("", "", 1.0),
        ("...", "!", 1.0),
        ("", "three", 0.0),
        ("two", "three", 0.0),
        ("退款需要三天", "退款要三天", 10 / 11),
        ("三天 DHL", "三天dhl", 1.0),
    ],
)
def test_rouge_l(given_text: str, standard: str, score: float) -> None:
    assert rouge_l(given_text, standard) == pytest.approx(score)


@given(st.text(max_size=40), st.text(max_size=40))
def test_rouge_l_is_a_symmetric_share(one: str, other: str) -> None:
    assert 0 <= rouge_l(one, other) <= 1
    assert rouge_l(one, other) == pytest.approx(rouge_l(other, one))
    assert rouge_l(one, one) == 1


def test_bleu_counts_words_in_english_and_characters_in_chinese() -> None:
    english = bleu(["we send it back in three days"], ["we send it back in three days"], "en")
    chinese = bleu(["退款需要三天时间"], ["退款需要四天时间"], "zh-hans")
    assert english is not None
    assert chinese is not None
    assert english.score == 1.0
    assert "tok:13a" in english.signature
    assert "tok:zh" in chinese.signature
    # One of eight characters differs; as one word, nothing would be alike.
    assert 0.4 < chinese.score < 0.8
    assert bleu([], [], "en") is None
