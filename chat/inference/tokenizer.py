"""Messages to token ids and back, without importing transformers.

The chat template is rendered as transformers renders it (a sandboxed Jinja environment with
the same switches) and nothing is added around it: templates write their own start tokens.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from chat.inference.engine import ChatMessage, Continuation, EngineError


class ChatTokenizer:
    """The tokenizer and chat template of one artifact folder. Safe for several threads."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        # Files may ask for padding or truncation, which training once needed.
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        settings = _json(folder / "tokenizer_config.json")
        self._variables = {
            name: _text(settings.get(name)) for name in ("bos_token", "eos_token", "pad_token")
        }
        self._template = _environment().from_string(_template(folder, settings))
        added = self._tokenizer.get_added_tokens_decoder().values()
        self._special = [token.content for token in added if token.special]
        self.stop_ids = self._stop_ids(folder)
        self._end = self._turn_end(str(self._variables["eos_token"]))

    def prompt_ids(self, messages: Sequence[ChatMessage]) -> list[int]:
        """The prompt for the next answer. Raises :class:`EngineError` if the template refuses."""
        return self._ids(self._rendered(messages, add_generation_prompt=True))

    def answer_ids(self, answer: str) -> list[int]:
        """What a model writes to give ``answer`` and end its turn: what it learns to write."""
        return [*self._ids(self._plain(answer)), self._end]

    def continuation_ids(self, continuation: Continuation) -> tuple[list[int], list[int]]:
        """The prompt with what the reply began with, and what is said then, without its end."""
        prompt = self.prompt_ids(continuation.messages)
        begun, said = (
            self.answer_ids(each)[:-1] for each in (continuation.begun, continuation.said)
        )
        return prompt + begun, said

    def token_of(self, text: str) -> int:
        """The one token that ``text`` is as an answer. Raises :class:`EngineError`."""
        # Some tokenizers put a space before the first token of a text.
        ids = self._ids(text)
        if not ids or self.decode(ids[-1:]).strip() != text:
            raise EngineError(
                f"{text!r} is no single token of this model.", code="no_choice", retryable=False
            )
        return ids[-1]

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _turn_end(self, eos: str) -> int:
        """The token that the template puts behind an answer, if it is one that stops."""
        turns: list[ChatMessage] = [
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": "!"},
        ]
        whole = self._ids(self._rendered(turns, add_generation_prompt=False))
        written = whole[len(self.prompt_ids(turns[:1])) :]
        return next(
            (each for each in written if each in self.stop_ids),
            int(self._tokenizer.token_to_id(eos)),
        )

    def _rendered(self, messages: Sequence[ChatMessage], *, add_generation_prompt: bool) -> str:
        plain = [{**message, "content": self._plain(message["content"])} for message in messages]
        try:
            return str(
                self._template.render(
                    messages=plain,
                    add_generation_prompt=add_generation_prompt,
                    **self._variables,
                )
            )
        except TemplateError as error:
            raise EngineError(
                f"The chat template refuses these messages: {error}",
                code="template_refused",
                retryable=False,
            ) from error

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ``ids``; bytes that are no character yet read as U+FFFD."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def _plain(self, content: str) -> str:
        """Content without control tokens: whoever types ``<|im_end|>`` must not end a turn."""
        before = None
        while before != content:
            # Again, as taking one out may join the halves of another.
            before = content
            for token in self._special:
                content = content.replace(token, "")
        return content

    def _stop_ids(self, folder: Path) -> frozenset[int]:
        named: list[Any] = [self._tokenizer.token_to_id(self._variables["eos_token"])]
        for name in ("generation_config.json", "config.json"):
            found = _json(folder / name).get("eos_token_id")
            named += found if isinstance(found, list) else [found]
        return frozenset(int(stop) for stop in named if stop is not None)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = _refuse
    environment.filters["tojson"] = lambda value, **options: json.dumps(
        value, ensure_ascii=False, **options
    )
    return environment


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def _template(folder: Path, settings: dict[str, Any]) -> str:
    place = folder / "chat_template.jinja"
    text = place.read_text(encoding="utf-8") if place.exists() else settings.get("chat_template")
    if not isinstance(text, str):
        raise EngineError(
            f"{folder.name} has no chat template.", code="no_chat_template", retryable=False
        )
    return text


def _json(place: Path) -> dict[str, Any]:
    return dict(json.loads(place.read_text(encoding="utf-8"))) if place.exists() else {}


def _text(token: Any) -> str:
    return str(token.get("content", "")) if isinstance(token, dict) else str(token or "")
