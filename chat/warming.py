"""The questions most asked, answered anew after a change of model, before customers ask them again."""

from collections import defaultdict
from dataclasses import dataclass
from time import time

from chat.answer_cache import AnswerCache, CachedAnswer
from chat.deployments import Served
from chat.knowledge.confidence import confidence
from chat.knowledge.embedding import Embedder
from chat.knowledge.questions import language, normalized
from chat.libraries import Library
from chat.models import Bot, Message
from chat.ready import Asked, asked, cached_key, is_impersonal, word_for_word
from chat.trials import Trial, attempt, is_alike
from moderation.current import current_policy
from moderation.findings import Direction
from moderation.pipeline import moderate

SAMPLE = 20_000


@dataclass(frozen=True, slots=True)
class Frequent:
    """A first question that several visitors asked, and the last answer of a model to it."""

    question: Asked
    visitors: frozenset[int]
    answered: str


@dataclass(frozen=True, slots=True)
class Warmed:
    """What the model says now. ``is_kept``: the next customer gets it from the cache;
    ``has_changed``: it says something else than before."""

    question: str
    before: str
    now: str
    is_kept: bool
    has_changed: bool


def frequent_questions(bot: Bot, locale: str, *, visitors: int, limit: int) -> list[Frequent]:
    """The ``limit`` first questions that most visitors asked, at least ``visitors``, most first.

    Not those that an approved answer is for, nor any with something personal in it.
    """
    firsts = Message.objects.filter(
        conversation__bot=bot, role=Message.Role.CUSTOMER, status=Message.Status.SENT, seq=1
    ).select_related("conversation__bot", "conversation__visitor")
    groups: dict[str, list[Message]] = defaultdict(list)
    for message in firsts.order_by("-id")[:SAMPLE]:
        if language(message.text, message.conversation.locale) == locale:
            groups[normalized(message.text)].append(message)
    found = []
    for messages in sorted(groups.values(), key=len, reverse=True):
        who = frozenset(each.conversation.visitor_id for each in messages)
        question = asked(messages[0])
        if len(who) >= visitors and is_impersonal(messages[0].text) and not word_for_word(question):
            found.append(Frequent(question, who, _last_answer(messages)))
        if len(found) == limit:
            break
    return found


def warm(
    each: Frequent, served: Served, library: Library, embedder: Embedder, cache: AnswerCache
) -> Warmed:
    """Let the model answer one question now, and keep the answer if it may be kept.

    Raises :class:`EngineError` and :class:`EmbeddingError`.
    """
    question = each.question
    bot = question.message.conversation.bot
    trial = Trial(question.message.text, None)
    outcome = attempt(trial, bot, question.locale, served.engine, library, embedder)
    is_sure = confidence(outcome.evidence, library.weights) >= bot.confidence_threshold
    is_clean = not moderate(outcome.text, current_policy(), Direction.OUTBOUND).findings
    is_kept = False
    key = cached_key(question, served.deployment)
    if key and is_sure and is_clean and is_impersonal(outcome.text):
        for visitor in each.visitors:
            cache.note_asked(key, str(visitor))
        is_kept = cache.admit(
            key, CachedAnswer(outcome.text, str(question.message.public_id), time())
        )
    changed = bool(each.answered) and not is_alike(outcome.text, each.answered)
    return Warmed(question.message.text, each.answered, outcome.text, is_kept, changed)


def _last_answer(messages: list[Message]) -> str:
    replies = Message.objects.filter(
        reply_to__in=messages,
        status=Message.Status.SENT,
        source__in=[Message.Source.MODEL, Message.Source.CACHE],
    )
    return replies.order_by("-id").values_list("text", flat=True).first() or ""
