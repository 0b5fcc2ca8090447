"""What is learned is what is served: torch and the embedder agree before, during and after."""

import string
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.inference import artifacts
from chat.inference.artifacts import Facts
from chat.knowledge.e5_embedder import FORMAT, WEIGHTS, E5Embedder, shipped_weights
from chat.knowledge.embedding import EmbeddingError
from tests.training.encoder import tiny
from training.encoder import packed
from training.encoder.network import Encoder
from training.encoder.packed import Packed
from training.encoder.tokens import LONGEST, QuestionTokenizer
from training.encoder.tuning import Step, Tuning, tune

QUESTIONS = ["aa bb", "b b ab", "aab", "ba", "yy zz", "z y yz", "zzy", "退货 包裹"]
KNOWN = f"{string.ascii_letters}{string.digits}{string.punctuation}   ÄéñßЖ½①ＡＢ你们的退货茶叶包裹多少钱吗？，。！"
"""Characters that the shipped encoder knows. Two in a row that it does not know are one id here and two
there, which no question hangs on."""
ANSWERS = [0, 0, 0, 0, 1, 1, 1, 2]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return packed.read(tiny.write(tmp_path_factory.mktemp("tiny") / "tiny.q4"))


@pytest.fixture(scope="module")
def shipped() -> QuestionTokenizer:
    return QuestionTokenizer(packed.read(shipped_weights()).pieces)


@pytest.fixture(scope="module")
def embedder() -> E5Embedder:
    return E5Embedder()


def served(content: bytes, folder: Path, name: str = "tiny") -> E5Embedder:
    """The embedder that serves these weights."""
    folder.mkdir()
    (folder / WEIGHTS).write_bytes(content)
    artifacts.seal(folder, Facts(name, FORMAT, name, "q4", "test"))
    return E5Embedder(folder=folder)


def vectors(
    content: Packed, questions: list[str]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    encoder = Encoder(content, dropout=0.1).eval()
    with torch.no_grad():
        made: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = encoder(
            QuestionTokenizer(content.pieces).encode(questions)
        ).numpy()
    return made


@given(st.text(st.sampled_from(KNOWN), max_size=60))
@settings(max_examples=200, deadline=None)
def test_questions_are_cut_as_the_embedder_cuts_them(
    shipped: QuestionTokenizer, embedder: E5Embedder, question: str
) -> None:
    [ids] = shipped.encode([question])
    counted = embedder._model.token_count(question, is_query=True)
    assert len(ids) == min(LONGEST, counted)


def test_torch_computes_what_the_embedder_serves(small: Packed, tmp_path: Path) -> None:
    theirs = served(small.content, tmp_path / "e").embed(QUESTIONS)
    np.testing.assert_allclose((vectors(small, QUESTIONS) * theirs).sum(1), 1, atol=0.01)


def test_wordings_of_one_answer_move_together_and_the_file_keeps_it(
    small: Packed, tmp_path: Path
) -> None:
    steps: list[Step] = []
    tuning = Tuning(passes=60.0, learning_rate=3e-3, dropout=0.0)
    content = tune(small, QUESTIONS, ANSWERS, tuning, steps.append)
    assert [each.number for each in steps] == list(range(1, steps[-1].of + 1))
    assert steps[-1].loss < steps[0].loss / 2

    def apart(each: E5Embedder) -> float:
        made = each.embed(QUESTIONS)
        likeness = made @ made.T
        same = np.equal.outer(ANSWERS, ANSWERS)
        return float(likeness[same].mean() - likeness[~same].mean())

    before, after = served(small.content, tmp_path / "b"), served(content, tmp_path / "a")
    assert apart(after) > apart(before) + 0.1
    assert before.name != after.name


def test_what_nothing_answers_moves_away_from_all_answers(small: Packed, tmp_path: Path) -> None:
    """Taught nothing of them, the same encoder puts them at 0.86 from the nearest question."""
    unanswered = ["mm nn", "n m nm", "mnm", "nn mn"]
    answers: list[int | None] = [*ANSWERS, *[None] * len(unanswered)]
    tuning = Tuning(passes=150.0, learning_rate=3e-3, dropout=0.0)
    content = tune(small, QUESTIONS + unanswered, answers, tuning, lambda _: None)
    embedder = served(content, tmp_path / "e")
    likeness = embedder.embed(unanswered) @ embedder.embed(QUESTIONS).T
    assert likeness.max(axis=1).mean() < 0.7


def test_the_same_questions_give_the_same_file(small: Packed) -> None:
    tuning = Tuning(passes=3.0)
    one, other = (tune(small, QUESTIONS, ANSWERS, tuning, lambda _: None) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("answers", [[], [0, 0], [0, None]])
def test_one_answer_alone_teaches_nothing(small: Packed, answers: list[int | None]) -> None:
    with pytest.raises(ValueError, match="two answers"):
        tune(small, QUESTIONS[: len(answers)], answers, Tuning(), lambda _: None)


def test_a_damaged_encoder_is_refused_before_it_is_read(small: Packed, tmp_path: Path) -> None:
    served(small.content, tmp_path / "e")
    place = tmp_path / "e" / WEIGHTS
    content = bytearray(place.read_bytes())
    content[-1] ^= 1
    place.write_bytes(content)
    with pytest.raises(EmbeddingError, match="damaged"):
        E5Embedder(folder=tmp_path / "e")


def test_what_is_no_embedder_is_refused(small: Packed, tmp_path: Path) -> None:
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / WEIGHTS).write_bytes(small.content)
    artifacts.seal(tmp_path / "e", Facts("m", "genai", "m", "int4", "test"))
    with pytest.raises(EmbeddingError, match="no embedder"):
        E5Embedder(folder=tmp_path / "e")
    with pytest.raises(EmbeddingError, match="no artifact"):
        E5Embedder(folder=tmp_path / "none")
