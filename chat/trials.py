"""Questions with known answers, asked of the model as customers would ask them."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from chat import answering, prompts
from chat.errand import request_of
from chat.inference.engine import Engine
from chat.knowledge.confidence import Evidence
from chat.knowledge.embedding import Embedder
from chat.knowledge.matching import decide
from chat.knowledge.questions import normalized
from chat.libraries import CANDIDATES, Library
from chat.models import Bot, CuratedAnswer, QuestionVariant
from chat.selectors import approved_answers

ALIKE = 0.7


@dataclass(frozen=True, slots=True)
class Trial:
    """One question, and the approved answer to it; None when nothing approved fits."""

    question: str
    answer: CuratedAnswer | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the model said, what was known when it did, and whether it was right."""

    text: str
    evidence: Evidence
    is_right: bool


def trials(bot: Bot, locale: str, unanswered: Sequence[str]) -> list[Trial]:
    """Every wording of the bot's knowledge, and ``unanswered`` questions."""
    variants = QuestionVariant.objects.filter(
        answer__in=approved_answers(bot).filter(locale=locale)
    ).select_related("answer")
    return [Trial(each.text, each.answer) for each in variants] + [
        Trial(question, None) for question in unanswered
    ]


def attempt(
    trial: Trial, bot: Bot, locale: str, engine: Engine, library: Library, embedder: Embedder
) -> Outcome:
    """Let the model answer with the knowledge around the question, its own wording left out.

    Raises :class:`EngineError` and :class:`EmbeddingError`.
    """
    vector = embedder.embed([trial.question])[0]
    candidates = library.index.nearest(vector, CANDIDATES, without=[trial.question])
    match = decide(trial.question, candidates, library.thresholds, names=library.names)
    answers = CuratedAnswer.objects.in_bulk([each.answer for each in match.near])
    logprobs: list[float] = []
    prompt = prompts.Prompt(
        instructions=bot.text(bot.instructions, locale),
        turns=({"role": "user", "content": trial.question},),
        knowledge=tuple(
            prompts.Knowledge(each.question, answers[each.answer].text) for each in match.near
        ),
        locale=locale,
    )
    request = request_of(
        f"trial-{normalized(trial.question)[:60]}", prompt, match.near, engine, logprobs.append
    )
    text = "".join(answering.answer(request, engine)).strip()
    evidence = Evidence.of(match, logprobs)
    return Outcome(text, evidence, trial.answer is not None and is_alike(text, trial.answer.text))


def is_alike(text: str, approved: str) -> bool:
    """Whether an answer says what the approved one says, nearly in its words."""
    said, wanted = normalized(text), normalized(approved)
    return wanted in said or SequenceMatcher(None, said, wanted, autojunk=False).ratio() >= ALIKE
