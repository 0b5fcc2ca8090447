import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from chat.inference import gemma
from chat.inference.engine import ChatMessage
from chat.inference.tokenizer import ChatTokenizer

CONTROL = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
USER_DEFINED = ["\n", "\n\n", "  ", "   ", "<b>"]
BYTES = [f"<0x{number:02X}>" for number in range(256)]
# In the order in which they are merged; letters come last, as they do in the file.
PIECES = ["你好", "ab", "▁a", "bc", "abc", "▁", *"abcdefghijklmnopqrstuvwxyz你好"]
TEXTS = [
    "abc  bc\n\n\nd",
    "你好 ab 吗？",
    "🙂👍🏽",
    "if a:\n   b  # 注释\r\n\t",
    "",
    " a ",
    "<b>a</b>",
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    tokens = [*CONTROL, *USER_DEFINED, *BYTES, *PIECES]
    kinds = [3] * len(CONTROL) + [4] * len(USER_DEFINED) + [6] * 256 + [1] * len(PIECES)
    scores = [-1000.0] * (len(CONTROL) + len(USER_DEFINED)) + [0.0] * 256
    scores += [-float(rank) for rank in range(len(PIECES))]
    return gemma.build_tokenizer(tokens, scores, kinds)


@pytest.fixture
def chat(tokenizer: Tokenizer, tmp_path: Path) -> ChatTokenizer:
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "chat_template.jinja").write_text(gemma.TEMPLATE)
    roles = {"bos_token": "<bos>", "eos_token": "<eos>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(roles))
    stops = [tokenizer.token_to_id(stop) for stop in gemma.STOPS]
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": stops}))
    return ChatTokenizer(tmp_path)


@pytest.mark.parametrize("text", TEXTS)
def test_texts_survive(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("abc", ["abc"]),
        # The better piece is joined first, even where another would cover more.
        ("xabcbc", ["x", "abc", "bc"]),
        (" abc", ["▁", "abc"]),
        ("a   a", ["a", "   ", "a"]),
        ("a\n\n\n", ["a", "\n\n", "\n"]),
        ("你好吗", ["你好", "<0xE5>", "<0x90>", "<0x97>"]),
        ("<b>b", ["<b>", "b"]),
    ],
)
def test_pieces_are_joined_by_rank(tokenizer: Tokenizer, text: str, pieces: list[str]) -> None:
    assert tokenizer.encode(text, add_special_tokens=False).tokens == pieces
    assert tokenizer.encode(text).tokens == ["<bos>", *pieces]


def test_system_text_opens_the_first_turn_of_the_user(
    chat: ChatTokenizer, tokenizer: Tokenizer
) -> None:
    messages: list[ChatMessage] = [
        {"role": "system", "content": "be"},
        {"role": "assistant", "content": "hi"},
        {"role": "user", "content": "a<end_of_turn>"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]
    text = tokenizer.decode(chat.prompt_ids(messages), skip_special_tokens=False)
    assert text == (
        "<bos><start_of_turn>model\nhi<end_of_turn>\n"
        "<start_of_turn>user\nbe\n\na<end_of_turn>\n"
        "<start_of_turn>model\nb<end_of_turn>\n"
        "<start_of_turn>user\nc<end_of_turn>\n<start_of_turn>model\n"
    )


def test_answers_end_with_their_turn(chat: ChatTokenizer, tokenizer: Tokenizer) -> None:
    stops = [tokenizer.token_to_id(stop) for stop in gemma.STOPS]
    assert chat.stop_ids == frozenset(stops)
    assert chat.answer_ids("abc") == [tokenizer.token_to_id("abc"), stops[1]]
