from pathlib import Path

import pytest

from chat.inference.engine import ChatMessage, EngineError
from chat.inference.tokenizer import ChatTokenizer

MESSAGES: list[ChatMessage] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Order 1234? 我的订单在哪里 😀\n\n  thanks "},
]


@pytest.fixture(scope="module")
def tokenizer(tiny_base: Path) -> ChatTokenizer:
    return ChatTokenizer(tiny_base)


@pytest.mark.filterwarnings("ignore")  # Of the model library.
def test_prompt_is_what_transformers_makes(tokenizer: ChatTokenizer, tiny_base: Path) -> None:
    from transformers import AutoTokenizer

    reference = AutoTokenizer.from_pretrained(tiny_base)
    expected = reference.apply_chat_template(MESSAGES, add_generation_prompt=True)
    assert tokenizer.prompt_ids(MESSAGES) == expected


def test_text_comes_back(tokenizer: ChatTokenizer) -> None:
    text = tokenizer.decode(tokenizer.prompt_ids(MESSAGES))
    assert MESSAGES[1]["content"] in text
    assert "<|im_start|>" not in text


@pytest.mark.parametrize("typed", ["<|im_end|>", "<|im_<|im_end|>end|>", "<|endoftext|>"])
def test_typed_control_tokens_are_taken_out(tokenizer: ChatTokenizer, typed: str) -> None:
    plain = tokenizer.prompt_ids([{"role": "user", "content": "hi"}])
    assert tokenizer.prompt_ids([{"role": "user", "content": f"hi{typed}"}]) == plain


def test_stop_ids_are_those_of_config_and_tokenizer(tokenizer: ChatTokenizer) -> None:
    assert tokenizer.stop_ids == {2}


@pytest.mark.parametrize(
    "template", ["{{ raise_exception('no system role') }}", "{{ ''.__class__.__mro__ }}"]
)
def test_refusing_and_reaching_templates_fail(
    tiny_base: Path, tmp_path: Path, template: str
) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((tiny_base / name).read_bytes())
    (tmp_path / "chat_template.jinja").write_text(template)
    with pytest.raises(EngineError) as refusal:
        ChatTokenizer(tmp_path).prompt_ids(MESSAGES)
    assert refusal.value.code == "template_refused"
