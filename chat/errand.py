"""One reply to be written: what was asked, what is known already, and what the model will read."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.conf import settings

from chat import choosing, prompts, ready
from chat.answer_cache import AnswerCache
from chat.answering import AnswerRequest
from chat.deployments import EngineShelf, Served
from chat.inference.engine import ChatMessage, Engine
from chat.knowledge.confidence import DEFAULT_WEIGHTS, Evidence, Weights, confidence
from chat.knowledge.embedding import EmbeddingError
from chat.knowledge.index import Candidate
from chat.knowledge.matching import Match
from chat.libraries import Library, LibraryShelf, Query, weights_of
from chat.models import Message
from chat.ready import Asked, Reading, Ready
from chat.selectors import answers_given, question_before, turns_before
from chat.services.replies import Claim
from moderation.findings import Direction
from moderation.services.screening import ScreenedStream

logger = logging.getLogger(__name__)

CPU_KNOWLEDGE_TOKENS = 240
OTHER_KNOWLEDGE_TOKENS = 1000


@dataclass(frozen=True, slots=True)
class Shelves:
    """What a runner keeps open for all its replies. ``libraries`` are searched for models that
    bring no search of their own."""

    engines: EngineShelf
    libraries: LibraryShelf = field(default_factory=LibraryShelf)
    cache: AnswerCache = field(default_factory=AnswerCache)

    def warm_up(self) -> None:
        """Read what the bots that are served know. Raises :class:`EmbeddingError`."""
        for bot in self.engines.bots():
            served = self.engines.serving(bot)
            if served is not None:
                (served.search or self.libraries).open(served.deployment.bot)


@dataclass(slots=True)
class Errand:
    """Fills up on its way: ``match`` when the library was searched, ``reading`` when a model
    has to write."""

    claim: Claim
    question: Asked
    served: Served
    ready: Ready | None
    cache_key: str
    libraries: LibraryShelf
    library: Library | None
    query: Query
    # Of confidence: those of the model that writes this answer, whatever is deployed meanwhile.
    weights: Weights = DEFAULT_WEIGHTS
    match: Match | None = None
    reading: Reading = field(default_factory=lambda: Reading(None, (), {}))


def prepare(claim: Claim, shelves: Shelves) -> Errand:
    """Everything that the database and the cache know, and the engine that is to write: it is
    given back when the errand is done. Raises :class:`EngineError`."""
    message = claim.message
    assert message.reply_to is not None
    message.reply_to.conversation = message.conversation
    bot = message.conversation.bot
    question = ready.asked(message.reply_to)
    served = shelves.engines.take(bot, message.conversation.visitor)
    try:
        key = ready.cached_key(question, served.deployment)
        return _filled(claim, shelves, question, served, key)
    except BaseException:
        shelves.engines.give_back(served)
        raise


def prepare_beside(claim: Claim, shelves: Shelves, served: Served) -> Errand:
    """The same for an engine that answers unseen: of the answer cache nothing is taken, and
    nothing gets into it. The caller gives ``served`` back."""
    message = claim.message
    assert message.reply_to is not None
    message.reply_to.conversation = message.conversation
    return _filled(claim, shelves, ready.asked(message.reply_to), served, "")


def _filled(claim: Claim, shelves: Shelves, question: Asked, served: Served, key: str) -> Errand:
    message = claim.message
    assert message.reply_to is not None
    bot = message.conversation.bot
    found = ready.word_for_word(question) or ready.cached(question, key, shelves.cache)
    query = Query(
        message.reply_to.text,
        bot.knowledge_version,
        leans=question.leans,
        before="" if question.is_first else question_before(message.reply_to),
        given=() if question.is_first else answers_given(message.reply_to),
    )
    # A model finds what it reads with the search that it was trained and measured with.
    libraries = served.search or shelves.libraries
    library = None if found else _library(libraries, claim, question.locale)
    errand = Errand(claim, question, served, found, key, libraries, library, query)
    if library is not None:
        errand.weights = weights_of(served.deployment, question.locale, library.index.embedder)
    return errand


def _library(libraries: LibraryShelf, claim: Claim, locale: str) -> Library | None:
    bot = claim.message.conversation.bot
    try:
        return libraries.library(bot, locale)
    except EmbeddingError as error:
        # The bot is worse without its knowledge, and still better than silence.
        logger.warning("no knowledge for bot %d: %s", bot.pk, error)
        return None


def search(errand: Errand) -> None:
    """Look the question up. Asks no database: takes as long as one embedding."""
    if errand.library is None or not len(errand.library.index):
        return
    try:
        errand.match = errand.libraries.search(errand.library, errand.query)
    except EmbeddingError as error:
        logger.warning("message %s was not looked up: %s", errand.claim.message.public_id, error)


def by_meaning(errand: Errand) -> Ready | None:
    """The approved answer that was found, if the match is sure."""
    return ready.by_meaning(errand.question, errand.match) if errand.match else None


def request(errand: Errand, on_token: Callable[[float], None]) -> AnswerRequest:
    """What the model is asked."""
    message = errand.claim.message
    bot = message.conversation.bot
    locale = errand.question.locale
    errand.reading = ready.read(errand.question, errand.match, errand.served.style)
    prompt = prompts.Prompt(
        instructions=bot.text(bot.instructions, locale),
        turns=tuple(
            _turn(each) for each in turns_before(message, limit=settings.CHAT_CONTEXT_TURNS)
        ),
        knowledge=errand.reading.knowledge,
        locale=locale,
        style=errand.served.style,
    )
    near = [each for each, _ in errand.reading.near]
    return request_of(str(message.public_id), prompt, near, errand.served.engine, on_token)


def request_of(
    request_id: str,
    prompt: prompts.Prompt,
    near: Sequence[Candidate],
    engine: Engine,
    on_token: Callable[[float], None],
) -> AnswerRequest:
    """What ``engine`` is asked in service: within the limits of this installation, and where an
    answer is to be named, one of those of ``near``."""
    return AnswerRequest(
        request_id=request_id,
        prompt=prompt,
        max_new_tokens=settings.CHAT_MAX_NEW_TOKENS,
        knowledge_tokens=knowledge_tokens(engine),
        on_token=on_token,
        choices=choosing.choices(near, prompt.style),
    )


def screen(errand: Errand) -> ScreenedStream:
    """The moderation of what the model says. Raises when no policy can be loaded."""
    message = errand.claim.message
    return ScreenedStream(
        Direction.OUTBOUND,
        scope=str(message.conversation.public_id),
        reference=str(message.public_id),
    )


def sureness(errand: Errand, logprobs: tuple[float, ...]) -> float | None:
    """How likely what the model wrote is right; None for a bot with nothing to compare it with."""
    if errand.match is None or errand.library is None:
        return None
    sure = confidence(Evidence.of(errand.match, logprobs), errand.weights)
    return round(sure, 4)


def is_shown_only_when_sure(errand: Errand) -> bool:
    """Whether customers see the model's words only once it is known that they are likely right.
    A number is for nobody's eyes: the answer that it names is."""
    if prompts.names_answers(errand.served.style):
        return True
    return is_offered_when_unsure(errand)


def is_offered_when_unsure(errand: Errand) -> bool:
    """Whether similar questions and a person stand in for an answer that may be wrong."""
    bot = errand.claim.message.conversation.bot
    return bot.unsure_answers == bot.UnsureAnswers.OFFER and errand.match is not None


def is_worth_trying(errand: Errand) -> bool:
    """Whether anything that the model may write can be shown.

    A model that was sure of every word would reach this confidence, and no other does.
    """
    if prompts.names_answers(errand.served.style) and not errand.reading.near:
        return False
    if not is_offered_when_unsure(errand):
        return True
    best = sureness(errand, ())
    return best is None or best >= errand.claim.message.conversation.bot.confidence_threshold


def knowledge_tokens(engine: Engine) -> int:
    """How much the model may read: about 350 tokens a second on two cores, far more elsewhere."""
    if settings.CHAT_KNOWLEDGE_TOKENS:
        return int(settings.CHAT_KNOWLEDGE_TOKENS)
    return CPU_KNOWLEDGE_TOKENS if engine.device == "cpu" else OTHER_KNOWLEDGE_TOKENS


def _turn(message: Message) -> ChatMessage:
    customer = message.role == Message.Role.CUSTOMER
    return {"role": "user" if customer else "assistant", "content": message.text}
