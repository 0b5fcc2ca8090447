"""Wordings of one answer move together, those of others apart.

Each answer has a direction of its own that is learned with the encoder, and every wording is to be
nearest to that of its answer (normalised softmax; Zhai and Wu, arXiv 1811.12649). Against in-batch pairs,
it compares each wording with all answers at once and needs no pairs that are hard by luck.

Questions that nothing answers are to be nearer to none than a likeness that is learned, too: how near
the nearest answer is then tells more of whether it answers at all.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.encoder.network import Encoder
from training.encoder.packed import Packed
from training.encoder.tokens import QuestionTokenizer

TEMPERATURE = 0.05
BATCH = 32
DIRECTIONS_RATE = 5e-3
NOTHING_RATE = 2e-3
NOTHING = 0.8
"""How like an answer a question has to be, at first, or nothing answers it."""
MOST_NORM = 1.0


@dataclass(frozen=True, slots=True)
class Tuning:
    """How it is learned; compared in docs/experiments.md."""

    passes: float = 3.0
    learning_rate: float = 2e-4
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    dropout: float = 0.1
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """``loss`` is that of one batch, in nats."""

    number: int
    of: int
    loss: float


def tune(
    packed: Packed,
    questions: Sequence[str],
    answers: Sequence[int | None],
    tuning: Tuning,
    told: Callable[[Step], None],
) -> bytes:
    """The file with an encoder that has learned that ``questions[i]`` asks for ``answers[i]``,
    numbers from 0 on, or None for what nothing answers. The same input gives the same file on the
    same machine.

    Raises ``ValueError`` for fewer than two answers: there is nothing to tell apart.
    """
    count = max((each + 1 for each in answers if each is not None), default=0)
    if count < 2:
        raise ValueError("There have to be questions of two answers at least.")
    labels = torch.tensor([count if each is None else each for each in answers])
    torch.manual_seed(tuning.seed)
    encoder = Encoder(packed, dropout=tuning.dropout)
    ids = QuestionTokenizer(packed.pieces).encode(questions)
    directions = nn.Parameter(_centres(_vectors(encoder, ids), labels, count))
    nothing = nn.Parameter(torch.tensor([NOTHING]))
    has_unanswered = None in answers
    optimiser = torch.optim.AdamW(
        [
            {"params": encoder.learning(), "lr": tuning.learning_rate},
            {"params": [directions], "lr": DIRECTIONS_RATE},
            {"params": [nothing], "lr": NOTHING_RATE, "weight_decay": 0.0},
        ],
        weight_decay=tuning.weight_decay,
    )
    batches = _batches([len(each) for each in ids], tuning)
    warm = max(1, round(len(batches) * tuning.warmup_share))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / warm) * (1 - step / len(batches))
    )
    encoder.train()
    for number, batch in enumerate(batches, 1):
        vectors = encoder([ids[at] for at in batch])
        likeness = vectors @ nn.functional.normalize(directions, dim=-1).T
        if has_unanswered:
            likeness = torch.cat([likeness, nothing.expand(len(batch), 1)], dim=1)
        loss = nn.functional.cross_entropy(likeness / TEMPERATURE, labels[batch])
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(encoder.learning(), MOST_NORM)
        optimiser.step()
        schedule.step()
        told(Step(number, len(batches), float(loss.detach())))
    return packed.replaced(encoder.tensors())


def _batches(lengths: Sequence[int], tuning: Tuning) -> list[list[int]]:
    """Questions about as long together, or half of what is computed were padding; in random order."""
    draw = random.Random(tuning.seed)  # noqa: S311 - repeatable, no secret
    wanted = max(1, round(len(lengths) * tuning.passes / BATCH))
    batches: list[list[int]] = []
    while len(batches) < wanted:
        order = sorted(range(len(lengths)), key=lambda at: lengths[at] + 4 * draw.random())
        some = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
        draw.shuffle(some)
        batches += some
    return batches[:wanted]


def _vectors(encoder: Encoder, ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Of all questions, before anything was learned."""
    encoder.eval()
    order = sorted(range(len(ids)), key=lambda at: len(ids[at]))
    found: NDArray[np.float32] | None = None
    with torch.inference_mode():
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]
            made = encoder([ids[at] for at in some]).numpy()
            if found is None:
                found = np.empty((len(ids), made.shape[1]), np.float32)
            found[some] = made
    assert found is not None
    return found


def _centres(vectors: NDArray[np.float32], labels: torch.Tensor, count: int) -> torch.Tensor:
    """Where each answer begins: in the middle of its questions."""
    sums = torch.zeros((count + 1, vectors.shape[1]))
    sums.index_add_(0, labels, torch.from_numpy(vectors))
    return nn.functional.normalize(sums[:count], dim=-1)
