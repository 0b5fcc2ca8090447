"""Prepared examples: from their file to token ids, answers told from what is only read."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from chat.inference.engine import ChatMessage
from chat.inference.tokenizer import ChatTokenizer
from training.trainer.job import JobError


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a model reads, and what it should write then.

    ``rivals`` are other answers that it might give: the tokens in which ``target`` first
    differs from one of them decide.
    """

    messages: tuple[ChatMessage, ...]
    target: str
    rivals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of one example; the last ``len(weights)`` of ``ids`` are its answer.

    ``weights`` are those of the answer's tokens in the loss.
    """

    ids: tuple[int, ...]
    weights: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.ids)


def write(place: Path, examples: Iterable[Prepared]) -> int:
    """Write the file that the trainer reads; returns how many."""
    count = 0
    with place.open("w", encoding="utf-8") as file:
        for each in examples:
            file.write(json.dumps(asdict(each), ensure_ascii=False) + "\n")
            count += 1
    return count


def read(place: Path) -> Iterator[Prepared]:
    """The examples of a file. Raises :class:`JobError`."""
    try:
        with place.open(encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                yield Prepared(tuple(row["messages"]), row["target"], tuple(row["rivals"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JobError(f"{place.name} cannot be read: {error}") from error


def encode(example: Prepared, tokenizer: ChatTokenizer, *, deciding_weight: float = 1.0) -> Encoded:
    """The ids of prompt and answer, with the token that ends an answer.

    The prompt is tokenised as serving does it, the answer on its own, as it will be generated.
    """
    prompt = tokenizer.prompt_ids(example.messages)
    answer = tokenizer.answer_ids(example.target)
    weights = [1.0] * len(answer)
    if deciding_weight != 1.0:
        for rival in example.rivals:
            weights[_first_difference(answer, tokenizer.answer_ids(rival))] = deciding_weight
    return Encoded((*prompt, *answer), tuple(weights))


def _first_difference(answer: Sequence[int], rival: Sequence[int]) -> int:
    """Where the two part; the last token of the answer if they never do."""
    for place, (ours, theirs) in enumerate(zip(answer, rival, strict=False)):
        if ours != theirs:
            return place
    return len(answer) - 1
