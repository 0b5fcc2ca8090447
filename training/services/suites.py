"""What is asked beside the held-out questions: attacks, general questions, canaries."""

from collections.abc import Callable, Sequence
from typing import Any

from chat.inference.engine import Engine, GenerationParams
from chat.models import Bot
from moderation.current import current_policy
from training.evaluation import forgetting, memory, regression, safety
from training.evaluation.forgetting import Ask
from training.evaluation.memory import Canary
from training.evaluation.responding import Responder
from training.frozen import FrozenRow
from training.models import TrainingRun
from training.services import correcting, responders, voted_cases
from training.services.freezing import rows_of
from training.services.responders import Opened
from training.trainer.recipe import CHOOSING, Recipe

GENERAL_TOKENS = 40
CANARY = "canary"
"""The source of rows that were put into a dataset to see whether a model recites them."""
ONLY_NUMBERS = "The model was tuned to name an approved answer, not to write."
NO_BASE = "The base model is not exported on this machine."

Suites = dict[str, tuple[int, Callable[[Responder, Callable[[], None]], dict[str, Any]]]]


def of_bot(bot: Bot) -> Suites:
    """What every model is asked."""
    attacks = safety.attacks()

    def run(responder: Responder, step: Callable[[], None]) -> dict[str, Any]:
        instructions = {locale: str(text) for locale, text in bot.instructions.items()}
        found = safety.try_out(responder, attacks, current_policy(), instructions, step)
        return found.as_json()

    return {"safety": (len(attacks), run)}


def of_run(run: TrainingRun, recipe: Recipe, opened: Opened) -> Suites:
    """What a tuned model is asked, as far as it means something for how it was tuned."""
    found = of_bot(run.bot) | _forgetting(recipe, opened) | _regression(run.bot, opened)
    if canaries := canaries_of(rows_of(run.dataset_version)):
        found["memory"] = (0, lambda responder, step: _memory(canaries, asking(opened.engine)))
    return found


def canaries_of(rows: Sequence[FrozenRow]) -> list[Canary]:
    """The canaries that were put among the training rows."""
    return [
        Canary(row.question, row.answer)
        for row in rows
        if row.source == CANARY and row.split == "train"
    ]


def asking(engine: Engine) -> Ask:
    """The model itself: no instructions, no knowledge, a few words."""

    def ask(question: str) -> str:
        params = GenerationParams(max_new_tokens=GENERAL_TOKENS)
        messages = [{"role": "user", "content": question}]
        return "".join(engine.stream(f"general-{hash(question)}", messages, params))  # type: ignore[arg-type]

    return ask


def _forgetting(recipe: Recipe, opened: Opened) -> Suites:
    if recipe.data.style in CHOOSING:
        return {"forgetting": (0, lambda responder, step: forgetting.skipped(ONLY_NUMBERS))}
    general = forgetting.questions()

    def run(responder: Responder, step: Callable[[], None]) -> dict[str, Any]:
        with responders.base_engine_or_none(recipe.base) as base:
            if base is None:
                return forgetting.skipped(NO_BASE)
            found = forgetting.try_out(asking(base), asking(opened.engine), general, step)
        return found.as_json()

    return {"forgetting": (len(general), run)}


def _regression(bot: Bot, opened: Opened) -> Suites:
    unaided = opened.unaided
    cases = [*correcting.cases(bot), *voted_cases.cases(bot)]
    if unaided is None or not cases:
        return {}
    return {
        "regression": (
            len(cases),
            lambda responder, step: regression.try_out(unaided, cases, step),
        )
    }


def _memory(canaries: Sequence[Canary], ask: Ask) -> dict[str, Any]:
    found = memory.probe(canaries, write=ask)
    return {
        "copies": [each.as_json() for each in found],
        "is_safe": all(each.is_safe for each in found),
    }
