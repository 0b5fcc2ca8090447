"""Which approved answers a bot knows in which language: indexes from the database, kept in memory.

Each process that searches has one shelf. An index says only which answers are near; their words
are read from the database each time, so a changed answer counts at once, and one that
was taken out is never served, however old the index is.
"""

import functools
import hashlib
import logging
import threading
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from django.conf import settings
from django.db import close_old_connections, connection
from django.db.models import F, Q

from chat.knowledge.calibration import default_thresholds
from chat.knowledge.confidence import DEFAULT_WEIGHTS, FEATURES, Weights
from chat.knowledge.embedding import (
    Embedder,
    EmbedderSpec,
    Vectors,
    open_embedder,
)
from chat.knowledge.index import Candidate, Index, Variant
from chat.knowledge.matching import Kind, Match, Thresholds, decide
from chat.models import (
    Bot,
    Calibration,
    CuratedAnswer,
    Deployment,
    QuestionVariant,
    QuestionVector,
)
from chat.models.fields import LOCALES
from chat.selectors import active_deployments

logger = logging.getLogger(__name__)

CANDIDATES = 5
RECENT_QUESTIONS = 512
EMBED_AT_ONCE = 256
LOOKED_UP_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Library:
    """What one bot knows in one language, as of ``version`` of its knowledge."""

    version: int
    index: Index
    thresholds: Thresholds
    names: tuple[str, ...]
    weights: Weights


@dataclass(frozen=True, slots=True)
class Query:
    """A question for :meth:`LibraryShelf.search`, and the ``version`` of the bot's knowledge now.

    ``before`` is what the customer asked last, empty for a first question, and ``given`` are the
    approved answers that the customer has had. A question that ``leans`` on what was said is never
    answered without a model. ``without`` are wordings to pass over, as if nobody had approved them.
    """

    question: str
    version: int
    leans: bool = False
    before: str = ""
    given: tuple[int, ...] = ()
    without: tuple[str, ...] = ()


@dataclass(slots=True)
class _Slot:
    """One library and the right to rebuild it."""

    library: Library | None = None
    building: threading.Lock = field(default_factory=threading.Lock)


def embedder_spec() -> EmbedderSpec:
    """Which embedder this installation uses, from the settings."""
    return EmbedderSpec(
        kind=settings.CHAT_EMBEDDER,
        url=settings.CHAT_EMBEDDER_URL,
        model=settings.CHAT_EMBEDDER_MODEL,
        api_key=settings.CHAT_EMBEDDER_API_KEY,
    )


class LibraryShelf:
    """Builds each library when it is first wanted, and again in the background when it is old.

    Safe to use from threads.
    """

    def __init__(self, embedder: Embedder | None = None) -> None:
        self._embedder = embedder
        # A hundred customers with the same question cost one embedding. Weak: a shelf that a model
        # brought, and all that it has read, goes with the model.
        embed = functools.partial(_embed, weakref.proxy(self))
        self._vector = functools.lru_cache(maxsize=RECENT_QUESTIONS)(embed)
        self._slots: dict[tuple[int, str], _Slot] = {}
        self._lock = threading.Lock()

    @property
    def embedder(self) -> Embedder:
        """Opened when first wanted. Raises :class:`EmbeddingError`."""
        with self._lock:
            if self._embedder is None:
                self._embedder = open_embedder(embedder_spec())
            return self._embedder

    def search(self, library: Library, query: Query) -> Match:
        """What the library knows about a question. No database is asked.

        Raises :class:`EmbeddingError`.
        """
        if not len(library.index):
            return Match(Kind.NONE, None)
        candidates = self.nearest(library, query)
        match = decide(
            query.question, candidates, library.thresholds, names=library.names, leans=query.leans
        )
        if match.answer is not None and library.version != query.version:
            # What was changed since may be just this wording: the model reads it as it is now.
            return Match(Kind.NONE, None, match.near, "outdated")
        return match

    def nearest(self, library: Library, query: Query) -> list[Candidate]:
        """The answers nearest to a question, and to what was said before it.

        Raises :class:`EmbeddingError`.
        """
        before = query.before
        return library.index.nearest(
            self._vector(query.question),
            CANDIDATES,
            without=query.without,
            joined=self._vector(f"{before} {query.question}") if before else None,
            given=query.given,
        )

    def library(self, bot: Bot, locale: str) -> Library:
        """The library in memory, which may be a moment old. The first call builds it.

        Raises :class:`EmbeddingError`.
        """
        slot = self._slot(bot.pk, locale)
        if slot.library is None:
            with slot.building:
                if slot.library is None:
                    slot.library = build(bot, locale, self.embedder)
        elif slot.library.version != bot.knowledge_version:
            self._rebuild(slot, bot.pk, locale)
        return slot.library

    def open(self, bot: Bot) -> None:
        """Build the libraries of a bot, before anybody asks. Raises :class:`EmbeddingError`."""
        for locale in LOCALES:
            self.library(bot, locale)

    def renew(self, bot_id: int) -> None:
        """Something changed: rebuild this bot's libraries, where somebody wanted them, in the
        background."""
        with self._lock:
            wanted = {
                locale: self._slots[bot_id, locale]
                for locale in LOCALES
                if (bot_id, locale) in self._slots
            }
        for locale, slot in wanted.items():
            self._rebuild(slot, bot_id, locale)

    def _slot(self, bot_id: int, locale: str) -> _Slot:
        with self._lock:
            return self._slots.setdefault((bot_id, locale), _Slot())

    def _rebuild(self, slot: _Slot, bot_id: int, locale: str) -> None:
        if not slot.building.acquire(blocking=False):
            return
        thread = threading.Thread(
            target=self._rebuild_now, args=(slot, bot_id, locale), daemon=True, name="library"
        )
        thread.start()

    def _rebuild_now(self, slot: _Slot, bot_id: int, locale: str) -> None:
        """In a thread of its own, with a connection of its own."""
        close_old_connections()
        try:
            bot = Bot.objects.filter(pk=bot_id).first()
            if bot is not None:
                slot.library = build(bot, locale, self.embedder)
        except Exception as error:  # noqa: BLE001 - the edge of a thread
            # The old one goes on; the next question tries again.
            logger.error(  # noqa: TRY400 - one line is enough
                "the knowledge of bot %d was not renewed (%s)", bot_id, type(error).__name__
            )
        finally:
            slot.building.release()
            connection.close()


def _embed(shelf: LibraryShelf, text: str) -> Vectors:
    vector: Vectors = shelf.embedder.embed([text])[0]
    return vector


def build(bot: Bot, locale: str, embedder: Embedder) -> Library:
    """The library of ``bot`` as the database has it now. Raises :class:`EmbeddingError`."""
    version = Bot.objects.values_list("knowledge_version", flat=True).get(pk=bot.pk)
    # Those not valid yet, too: whether one may be served is asked when it is.
    answers = dict(
        CuratedAnswer.objects.filter(bot=bot, locale=locale, is_active=True).values_list(
            "pk", "text"
        )
    )
    variants = [
        Variant(answer, question)
        for answer, question in QuestionVariant.objects.filter(
            answer__bot=bot, answer__locale=locale, answer__is_active=True
        ).values_list("answer_id", "text")
        if answer in answers
    ]
    vectors = embedded([each.question for each in variants], embedder)
    texts = embedded(list(answers.values()), embedder)
    return Library(
        version,
        Index(variants, vectors, dict(zip(answers, texts, strict=True)), embedder=embedder.name),
        thresholds_for(bot, locale, embedder.name),
        tuple(bot.product_names),
        weights_for(bot, locale, embedder.name),
    )


def thresholds_for(bot: Bot, locale: str, embedder: str) -> Thresholds:
    """Those calibrated last for this bot, or for all bots, or those that ship with csbot."""
    found = (
        Calibration.objects.filter(
            Q(bot=bot) | Q(bot=None),
            purpose=Calibration.Purpose.MATCH,
            embedder=embedder,
            locale=locale,
        )
        # The bot's own before those for all.
        .order_by(F("bot").asc(nulls_last=True), "-pk")
        .first()
    )
    return Thresholds(**found.values) if found else default_thresholds(embedder, locale)


def weights_for(bot: Bot, locale: str, embedder: str) -> Weights:
    """The weights of confidence of what is deployed; see :func:`weights_of`."""
    deployment = active_deployments().filter(bot=bot).first()
    return DEFAULT_WEIGHTS if deployment is None else weights_of(deployment, locale, embedder)


def weights_of(deployment: Deployment, locale: str, embedder: str) -> Weights:
    """The weights of confidence that were calibrated for a model, or those of csbot."""
    found = (
        Calibration.objects.filter(
            deployment=deployment,
            purpose=Calibration.Purpose.CONFIDENCE,
            # Without a name: judged without regard to how near anything was.
            embedder__in=[embedder, ""],
            locale=locale,
        )
        .order_by("-pk")
        .first()
    )
    if found is None or len(found.values["weights"]) != FEATURES:
        # Those of an earlier csbot weighed other evidence.
        return DEFAULT_WEIGHTS
    return Weights(found.values["intercept"], tuple(found.values["weights"]))


def embedded(questions: list[str], embedder: Embedder) -> Vectors:
    """The vectors of ``questions``: those kept in the database, and others made and kept.

    Raises :class:`EmbeddingError`.
    """
    digests = [_digest(each) for each in questions]
    known = _kept(digests, embedder)
    missing = {
        digest: question
        for digest, question in zip(digests, questions, strict=True)
        if digest not in known
    }
    wanted = list(missing.items())
    for start in range(0, len(wanted), EMBED_AT_ONCE):
        part = wanted[start : start + EMBED_AT_ONCE]
        made = embedder.embed([question for _, question in part])
        rows = list(zip((digest for digest, _ in part), made, strict=True))
        QuestionVector.objects.bulk_create(
            [
                QuestionVector(embedder=embedder.name, digest=digest, vector=row.tobytes())
                for digest, row in rows
            ],
            ignore_conflicts=True,
        )
        known |= dict(rows)
    if not questions:
        return np.empty((0, 0), np.float32)
    return np.stack([known[digest] for digest in digests])


def embedded_before(questions: Iterable[str], embedder: Embedder) -> dict[str, Vectors]:
    """The vectors of those ``questions`` that somebody embedded before; nothing is computed."""
    digests = {each: _digest(each) for each in questions}
    known = _kept(list(digests.values()), embedder)
    return {each: known[digest] for each, digest in digests.items() if digest in known}


def forget_vectors(questions: Iterable[str]) -> int:
    """Delete what was kept of ``questions`` by any embedder; returns how many vectors."""
    digests = [_digest(each) for each in questions]
    parts = range(0, len(digests), LOOKED_UP_AT_ONCE)
    return sum(
        QuestionVector.objects.filter(digest__in=digests[at : at + LOOKED_UP_AT_ONCE]).delete()[0]
        for at in parts
    )


def _kept(digests: Sequence[bytes], embedder: Embedder) -> dict[bytes, Vectors]:
    known: dict[bytes, Vectors] = {}
    for start in range(0, len(digests), LOOKED_UP_AT_ONCE):
        some = digests[start : start + LOOKED_UP_AT_ONCE]
        kept = QuestionVector.objects.filter(embedder=embedder.name, digest__in=some)
        for digest, vector in kept.values_list("digest", "vector"):
            known[bytes(digest)] = np.frombuffer(vector, np.float32)
    return known


def _digest(question: str) -> bytes:
    return hashlib.sha256(question.encode("utf-8", "replace")).digest()
