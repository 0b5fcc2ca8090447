"""Frozen rows for tests."""

from typing import Any

from chat.inference.engine import ChatMessage
from training.frozen import FrozenRow


def pair(question: str, group: str = "g", locale: str = "en", **fields: Any) -> FrozenRow:
    """One question and its answer."""
    return row({"role": "user", "content": question}, group=group, locale=locale, **fields)


def dialogue(first: str, last: str, **fields: Any) -> FrozenRow:
    """Two questions and their answers."""
    return row(
        {"role": "user", "content": first},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": last},
        **fields,
    )


def row(*messages: ChatMessage, **fields: Any) -> FrozenRow:
    """An example with an answer that its group has."""
    about = {
        "id": "", "group": "g", "cluster": "", "split": "train", "locale": "en",
        "scenario": "other", "hands_over": False, "source": "", "licence": "", **fields,
    }  # fmt: skip
    answer: ChatMessage = {
        "role": "assistant", "content": about.pop("answer", f"Answer {about['group']}."),
    }  # fmt: skip
    return FrozenRow(messages=(*messages, answer), **about)
