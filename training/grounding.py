"""What a model reads while it learns: the same prompt as in service, with what is near each question.

Plain questions and answers teach a model the answers by heart, and which one to give it guesses on
new wordings. So every example is grounded: approved questions that are near stand in the prompt, found as
in service but without the question's own wording, sometimes without the right one, and the model
learns to tell them apart and to hand over. As in RAFT, Zhang et al., arXiv 2403.10131.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chat import prompts
from chat.knowledge.index import Candidate
from chat.prompts import NOBODY, Knowledge, Prompt
from training.frozen import FrozenRow
from training.trainer.examples import Prepared
from training.trainer.recipe import Data

RIVALS = 3
"""Other answers, with which the deciding tokens of an answer in words are told."""


@dataclass(frozen=True, slots=True)
class Grounded:
    """A row and the answers near it, nearest first, one more than are shown.

    ``right`` is the approved answer that the row gives: None when the row hands over, or when
    nothing approved says what it says (then ``is_free``).
    """

    row: FrozenRow
    near: tuple[Candidate, ...]
    right: int | None
    is_free: bool = False

    @property
    def is_hard(self) -> bool:
        """Whether the index alone would give another answer."""
        return self.right is not None and (not self.near or self.near[0].answer != self.right)


@dataclass(frozen=True, slots=True)
class Wordings:
    """What a bot says: its instructions and how it hands over, in one language; and the text of
    each approved answer."""

    instructions: Callable[[str], str]
    hand_over: Callable[[str], str]
    answer: Callable[[int], str]


def chosen(grounded: Sequence[Grounded], data: Data, seed: int) -> list[Grounded]:
    """Which of them are learned from: ``data.examples`` of them, or all.

    What the index gets wrong teaches most and comes first, up to its share. Unknown questions
    are few and stand as often as their share needs. The order is that of ``seed``.
    """
    draw = random.Random(seed)  # noqa: S311 - a sample that can be repeated, no secret
    usable = [each for each in grounded if data.style != "number" or not each.is_free]
    unknown = [each for each in usable if each.row.hands_over]
    known = [each for each in usable if not each.row.hands_over]
    hard = [each for each in known if each.is_hard]
    easy = [each for each in known if not each.is_hard]
    for rows in (hard, easy):
        draw.shuffle(rows)
    size = data.examples or len(known)
    wanted = round(size * data.unknown_share) if unknown else 0
    if not data.examples:
        picked = [*known, *_repeated(unknown, max(wanted, len(unknown)), draw)]
    else:
        first = hard[: round(size * data.hard_share)]
        picked = [*first, *_repeated(unknown, wanted, draw)]
        picked += [*easy, *hard[len(first) :]][: max(0, size - len(picked))]
    draw.shuffle(picked)
    return picked


def prepared(
    grounded: Grounded, data: Data, wordings: Wordings, *, draw: random.Random | None = None
) -> Prepared:
    """The prompt of a row and what to write. With ``draw`` the right answer is left out of it as
    often as the recipe says."""
    near = grounded.near
    if draw is not None and draw.random() < data.without_right_share:
        near = tuple(each for each in near if each.answer != grounded.right)
    near = near[: data.candidates]
    row = grounded.row
    place = next((at for at, each in enumerate(near) if each.answer == grounded.right), None)
    target = row.answer
    if data.style == "number":
        target = NOBODY if place is None else str(place + 1)
    elif data.style == "words" and place is None and not grounded.is_free:
        target = wordings.hand_over(row.locale)
    prompt = Prompt(
        instructions=wordings.instructions(row.locale),
        turns=row.messages[:-1],
        knowledge=None
        if data.style == "plain"
        else tuple(Knowledge(each.question, wordings.answer(each.answer)) for each in near),
        locale=row.locale,
        style="number" if data.style == "number" else "words",
    )
    rivals = [wordings.answer(each.answer) for at, each in enumerate(near) if at != place]
    return Prepared(
        tuple(prompts.build(prompt)),
        target,
        tuple(rivals[:RIVALS]) if data.style == "words" else (),
    )


def _repeated(rows: Sequence[Grounded], count: int, draw: random.Random) -> list[Grounded]:
    """Each about as often as the others, ``count`` in all."""
    made: list[Grounded] = []
    while rows and len(made) < count:
        made += draw.sample(rows, min(len(rows), count - len(made)))
    return made
