"""An artifact opened with all that surrounds it in service, ready to be asked."""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from chat import answering, prompts, ready
from chat.answering import AnswerRequest
from chat.errand import request_of
from chat.inference.artifacts import ArtifactError, read_manifest, search_of
from chat.inference.engine import Engine
from chat.inference.opening import EngineSpec, open_engine
from chat.knowledge.confidence import (
    DEFAULT_WEIGHTS,
    FEATURES,
    Evidence,
    Weights,
    confidence,
    fit,
)
from chat.knowledge.e5_embedder import E5Embedder
from chat.knowledge.embedding import name_of
from chat.knowledge.matching import Match
from chat.knowledge.questions import leans_on_context, normalized
from chat.libraries import Library, LibraryShelf, Query, embedder_spec
from chat.models import Bot
from chat.models.fields import LOCALES
from chat.prompts import Style
from chat.selectors import active_deployments, approved_answers
from chat.services.notices import notice_text
from training.evaluation.judging import judge
from training.evaluation.overhearing import Overheard
from training.evaluation.responding import Responder, Response, Source
from training.frozen import FrozenRow
from training.models import ModelVersion

FEWEST_JUDGED = 20
"""Answers in one language, below which confidence is not learned but taken as it ships."""

ALWAYS_SURE = dict.fromkeys(LOCALES, Weights(60.0, (0.0,) * FEATURES))
"""For questions about what a model says, whatever customers would be shown of it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """``overheard`` is the engine that ``responder`` asks. ``calibrate`` lets the responder learn
    how sure to be from questions that are not measured; see :meth:`AsServed.calibrate`, and
    ``unaided`` is :meth:`AsServed.respond_unaided`. ``embedder`` names what the search of the
    responder finds with, empty without one."""

    responder: Responder
    overheard: Overheard
    calibrate: Callable[[Sequence[FrozenRow], Callable[[], None]], dict[str, Weights]] | None = None
    unaided: Callable[[FrozenRow], Response] | None = None
    embedder: str = ""

    @property
    def engine(self) -> Engine:
        return self.overheard


Opening = Callable[[Path], AbstractContextManager[Opened]]
"""Opens an artifact; the engine is closed when the block ends."""


def opening(
    bot: Bot,
    weights: Mapping[str, Weights] | None = None,
    *,
    version: ModelVersion | None = None,
    search: Path | None = None,
) -> Opening:
    """Opens artifacts as a runner of this machine would, and answers with what ``bot`` knows.

    ``search`` is the encoder of a run whose artifacts do not hold it yet. ``weights`` are those of confidence by language; without them they are those that were learned of
    ``version`` before it was published, with the encoder in use. In a language without any, what serves ``bot`` has
    those in force, and everything else the defaults, with which it would be served.
    """

    @contextmanager
    def opened(artifact: Path) -> Iterator[Opened]:
        style = prompts.style_named(read_manifest(artifact).facts.style)
        shelf = shelf_of(search or search_of(artifact))
        # Runners have read it all before the first customer asks.
        shelf.open(bot)
        with engine_of(artifact) as engine:
            overheard = Overheard(engine)
            responder = AsServed(
                bot,
                overheard,
                style,
                shelf,
                weights or _learned(version, shelf.embedder.name),
                is_serving=_is_serving(artifact, bot),
            )
            yield Opened(
                responder,
                overheard,
                responder.calibrate,
                responder.respond_unaided,
                shelf.embedder.name,
            )

    return opened


def shelf_of(search: Path | None) -> LibraryShelf:
    """Searches with the encoder of a model, or with that of the installation. Raises
    ``EmbeddingError``."""
    return LibraryShelf(E5Embedder(folder=search) if search else None)


def embedder_in_use() -> str:
    """The name of what this installation searches with. Raises ``EmbeddingError``."""
    return name_of(embedder_spec())


def _learned(version: ModelVersion | None, embedder: str) -> dict[str, Weights]:
    """What was learned of a model before it was published, as :func:`chat.libraries.weights_of`
    would find it: with this embedder, or by a csbot that did not say with which."""
    return {
        locale: Weights(each["intercept"], tuple(each["weights"]))
        for locale, each in (version.confidence if version else {}).items()
        if each.get("embedder", "") in (embedder, "") and len(each["weights"]) == FEATURES
    }


def _is_serving(artifact: Path, bot: Bot) -> bool:
    deployment = active_deployments().filter(bot=bot).first()
    return deployment is not None and artifact == _place(deployment.artifact)


def _place(artifact: str) -> Path:
    return settings.MODELS_DIR / "serving" / artifact


@contextmanager
def engine_of(artifact: Path) -> Iterator[Engine]:
    """The engine of an artifact on this machine, with one seat: questions come one by one."""
    engine = open_engine(
        EngineSpec(
            device=settings.CHAT_DEVICE,
            artifact=artifact,
            threads=settings.CHAT_THREADS,
            seats=1,
            context_length=settings.CHAT_CONTEXT_TOKENS,
        )
    )
    try:
        yield engine
    finally:
        engine.close()


@contextmanager
def base_engine_or_none(base: str) -> Iterator[Engine | None]:
    """The exported base model, in the precision that this installation serves."""
    try:
        with engine_of(_place(f"{base}-{settings.CHAT_PRECISION}")) as engine:
            yield engine
    except ArtifactError:
        yield None


class AsServed:
    """Answers as csbot does: word for word, by meaning when sure, else the model reads what is
    near and writes or names one of it; where that is not likely right, a person is offered."""

    def __init__(
        self,
        bot: Bot,
        engine: Engine,
        style: Style = "words",
        shelf: LibraryShelf | None = None,
        weights: Mapping[str, Weights] | None = None,
        *,
        is_serving: bool = False,
    ) -> None:
        self._bot = bot
        self._engine = engine
        self._style = style
        self._shelf = shelf or LibraryShelf()
        self._weights = dict(weights or {})
        # The weights in force were learned of what serves, and are worth nothing for another model.
        self._is_serving = is_serving

    def calibrate(
        self, rows: Sequence[FrozenRow], advance: Callable[[], None] = lambda: None
    ) -> dict[str, Weights]:
        """Learn how sure to be, by language, from what the model makes of ``rows``, and be it; in
        a language with too few of them as sure as by default.

        Returns the weights for :mod:`chat.knowledge.confidence`; ``advance`` is called for each row.
        """
        evidence: dict[str, list[Evidence]] = defaultdict(list)
        is_right: dict[str, list[bool]] = defaultdict(list)
        for row in rows:
            response, found = self._answer(row, least=0.0)
            if found is not None:
                evidence[row.locale].append(found)
                is_right[row.locale].append(judge(row, response).is_right)
            advance()
        self._weights = {
            locale: fit(evidence[locale], is_right[locale])
            for locale in evidence
            if len(evidence[locale]) >= FEWEST_JUDGED
        }
        self._is_serving = False
        return self._weights

    def respond(self, row: FrozenRow) -> Response:
        response, _ = self._answer(row)
        return response

    def respond_unaided(self, row: FrozenRow) -> Response:
        """As if nobody had approved the very wording of this question."""
        response, _ = self._answer(row, is_aided=False)
        return response

    def _answer(
        self, row: FrozenRow, least: float | None = None, *, is_aided: bool = True
    ) -> tuple[Response, Evidence | None]:
        """The answer, and the evidence for it if a model was asked. ``least`` is the confidence
        wanted instead of the bot's own."""
        began = time.perf_counter()
        leans = len(row.messages) > 2 and leans_on_context(row.question)
        key = normalized(row.question)
        exact = ready.exact_answer(self._bot, row.locale, key) if is_aided and not leans else None
        if exact is not None:
            return _response(began, exact.text, "curated", 1.0), None
        library = self._shelf.library(self._bot, row.locale)
        match = self._search(row, library, leans=leans, is_aided=is_aided)
        answer = None
        if match is not None:
            answer = ready.matched_answer(self._bot, row.locale, key, match)
        if answer is not None:
            return _response(began, answer.text, "curated", 1.0), None
        least = self._least(match) if least is None else least
        return self._asked(began, row, library, match, least, is_aided=is_aided)

    def _search(
        self, row: FrozenRow, library: Library, *, leans: bool, is_aided: bool
    ) -> Match | None:
        if not len(library.index):
            return None
        earlier = row.messages[:-2]
        asked = [each["content"] for each in earlier if each["role"] == "user"]
        said = {normalized(each["content"]) for each in earlier if each["role"] == "assistant"}
        query = Query(
            row.question,
            library.version,
            leans=leans,
            before=asked[-1] if asked else "",
            given=self._given(row.locale, said) if said else (),
            # As approved questions are written, see chat.services.knowledge.clean.
            without=() if is_aided else (" ".join(row.question.split()),),
        )
        return self._shelf.search(library, query)

    def _given(self, locale: str, said: Collection[str]) -> tuple[int, ...]:
        """The approved answers among what was said."""
        answers = approved_answers(self._bot).filter(locale=locale).values_list("pk", "text")
        return tuple(pk for pk, text in answers if normalized(text) in said)

    def _asked(
        self,
        began: float,
        row: FrozenRow,
        library: Library,
        match: Match | None,
        least: float,
        *,
        is_aided: bool,
    ) -> tuple[Response, Evidence | None]:
        """What becomes of what the model says."""
        near = () if match is None else ready.near_of(match, approved_answers(self._bot))
        usual = library.weights if self._is_serving else DEFAULT_WEIGHTS
        weights = self._weights.get(row.locale, usual)
        is_hopeless = prompts.names_answers(self._style) and not near
        if is_hopeless or _sureness(match, weights, ()) < least:
            unknown = notice_text("unanswered", row.locale)
            return _response(began, unknown, "notice", 0.0, offered=_offered(near)), None
        logprobs: list[float] = []
        request = self._request(row, match, near, logprobs, is_aided=is_aided)
        deltas = list(answering.answer(request, self._engine))
        text: str | None = "".join(deltas).strip()
        tokens = len(logprobs) or len(deltas)
        if prompts.names_answers(self._style):
            place = prompts.chosen(text or "", len(near))
            text = None if place is None else near[place][1].text
        sure = _sureness(match, weights, logprobs)
        evidence = None if match is None else Evidence.of(match, logprobs)
        if not text or sure < least:
            unsure = notice_text("unsure", row.locale)
            return _response(began, unsure, "notice", sure, tokens, _offered(near)), evidence
        return _response(began, text, "model", sure, tokens), evidence

    def _request(
        self,
        row: FrozenRow,
        match: Match | None,
        near: ready.Near,
        logprobs: list[float],
        *,
        is_aided: bool,
    ) -> AnswerRequest:
        prompt = prompts.Prompt(
            instructions=self._bot.text(self._bot.instructions, row.locale),
            turns=row.messages[:-1][-settings.CHAT_CONTEXT_TURNS :],
            knowledge=None if match is None else self._knowledge(row, near, is_aided=is_aided),
            locale=row.locale,
            style=self._style,
        )
        found = [each for each, _ in near]
        return request_of(f"evaluated-{row.id}", prompt, found, self._engine, logprobs.append)

    def _knowledge(
        self, row: FrozenRow, near: ready.Near, *, is_aided: bool
    ) -> tuple[prompts.Knowledge, ...]:
        listed = ready.listed(near, self._style)
        if not is_aided:
            own = normalized(row.question)
            listed = {
                pk: tuple(text for text in texts if normalized(text) != own)
                for pk, texts in listed.items()
            }
        return ready.knowledge_of(near, listed)

    def _least(self, match: Match | None) -> float:
        """The confidence below which a person is offered; a bot without knowledge has none."""
        is_offered = self._bot.unsure_answers == Bot.UnsureAnswers.OFFER and match is not None
        return self._bot.confidence_threshold if is_offered else 0.0


def _sureness(match: Match | None, weights: Weights, logprobs: Sequence[float]) -> float:
    return 1.0 if match is None else confidence(Evidence.of(match, logprobs), weights)


def _offered(near: ready.Near) -> tuple[str, ...]:
    """The answers of the questions that stand in for one that is not sure enough."""
    return tuple(answer.text for _, answer in near[: ready.SUGGESTIONS])


def _response(
    began: float,
    text: str,
    source: Source,
    sure: float,
    tokens: int = 0,
    offered: tuple[str, ...] = (),
) -> Response:
    seconds = time.perf_counter() - began
    return Response(text, source == "notice", source, sure, seconds, tokens, offered)
