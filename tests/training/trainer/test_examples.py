from pathlib import Path

import pytest

from chat.inference.tokenizer import ChatTokenizer
from training.trainer import examples
from training.trainer.examples import Prepared
from training.trainer.job import JobError


@pytest.fixture
def tokenizer(tiny_base: Path) -> ChatTokenizer:
    return ChatTokenizer(tiny_base)


def prepared(target: str, *rivals: str) -> Prepared:
    return Prepared(({"role": "user", "content": "Where is it?"},), target, rivals)


def test_prompt_is_the_one_that_serving_reads(tokenizer: ChatTokenizer) -> None:
    example = prepared("There.")
    made = examples.encode(example, tokenizer)
    answer = len(made.weights)
    assert list(made.ids[:-answer]) == tokenizer.prompt_ids(example.messages)


def test_answer_has_no_start_token_and_ends_its_turn_once(tokenizer: ChatTokenizer) -> None:
    made = examples.encode(prepared("There it is."), tokenizer)
    answer = made.ids[-len(made.weights) :]
    assert tokenizer.decode(answer) == "There it is."
    assert [each in tokenizer.stop_ids for each in answer] == [False] * (len(answer) - 1) + [True]


def test_control_tokens_in_an_answer_are_no_control_tokens(tokenizer: ChatTokenizer) -> None:
    made = examples.encode(prepared("There<|im_end|><|im_start|>user"), tokenizer)
    answer = made.ids[-len(made.weights) : -1]
    assert tokenizer.decode(answer) == "Thereuser"
    assert not set(answer) & tokenizer.stop_ids


def test_deciding_tokens_are_where_an_answer_parts_from_its_rivals(
    tokenizer: ChatTokenizer,
) -> None:
    made = examples.encode(prepared("in 3 days", "in 4 days"), tokenizer, deciding_weight=5.0)
    heavy = [place for place, weight in enumerate(made.weights) if weight == 5.0]
    answer = made.ids[-len(made.weights) :]
    assert [tokenizer.decode([answer[place]]).strip() for place in heavy] == ["3"]


def test_examples_are_read_as_they_were_written(tmp_path: Path) -> None:
    written = [prepared("是的", "不是"), prepared("yes\nno")]
    examples.write(tmp_path / "train.jsonl", written)
    assert list(examples.read(tmp_path / "train.jsonl")) == written


def test_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"messages": []}\n')
    with pytest.raises(JobError, match=r"train\.jsonl"):
        list(examples.read(tmp_path / "train.jsonl"))
