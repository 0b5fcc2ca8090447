"""Answers that exist already: approved ones, and those that many have asked for.

What is found here costs no generation. It is moderated on its way out like everything else.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, QuerySet

from chat import prompts
from chat.answer_cache import AnswerCache, CacheScope, cache_key
from chat.knowledge import matching, questions
from chat.knowledge.index import Candidate
from chat.knowledge.matching import Match
from chat.models import Bot, CuratedAnswer, Deployment, Dispute, Feedback, Message, QuestionVariant
from chat.selectors import approved_answers, deployment_of, is_first_question
from chat.services.disputes import is_disputed
from moderation.current import current_policy
from moderation.findings import Direction
from moderation.pipeline import moderate
from moderation.services.screening import screen

_PLACEHOLDER = re.compile(r"\[[A-Z_]+_[0-9]+\]")
SUGGESTIONS = 3

Near = tuple[tuple[Candidate, CuratedAnswer], ...]
"""Approved answers with what found them, nearest first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A customer's question and what decides which answers it may get.

    ``key`` is its normalised form. ``is_rejected``: the customer has had a ready answer to it
    and said that it was not for their question.
    """

    message: Message
    key: str
    locale: str
    is_first: bool
    leans: bool
    is_rejected: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """An answer as it may be shown, where it is from, and how it was found."""

    text: str
    source: str
    match: dict[str, Any]
    answer: CuratedAnswer | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """Approved answers near a question. ``knowledge`` is for the prompt, nearest first, None
    for a bot that knows nothing, and ``near`` the same with what found them; ``similar`` are
    questions to offer ("Did you mean ...?"); ``facts`` are stored with the reply."""

    knowledge: tuple[prompts.Knowledge, ...] | None
    similar: tuple[str, ...]
    facts: dict[str, Any]
    near: Near = ()


def asked(question: Message) -> Asked:
    """Two queries at most."""
    conversation = question.conversation
    is_first = is_first_question(question)
    return Asked(
        message=question,
        key=questions.normalized(question.text),
        locale=questions.language(question.text, conversation.locale),
        is_first=is_first,
        # The first thing that anybody says leans on nothing.
        leans=not is_first and questions.leans_on_context(question.text),
        is_rejected=Dispute.objects.filter(message__reply_to=question).exists(),
    )


def instant(question: Message, cache: AnswerCache) -> tuple[Ready, Deployment | None] | None:
    """What can be said in the same breath in which the question is stored, and by which deployment.

    Word for word only: nothing here takes longer than a look-up.
    """
    this = asked(question)
    if found := word_for_word(this):
        return found, None
    deployment = deployment_of(question.conversation.visitor)
    if deployment is None:
        return None
    kept = cached(this, cached_key(this, deployment), cache)
    return (kept, deployment) if kept else None


def word_for_word(question: Asked) -> Ready | None:
    """The approved answer one of whose wordings the question is."""
    if question.is_rejected or question.leans:
        return None
    answer = exact_answer(question.message.conversation.bot, question.locale, question.key)
    if answer is None:
        return None
    return _approved(question, answer, matching.exact(answer.pk, question.message.text))


def exact_answer(bot: Bot, locale: str, key: str) -> CuratedAnswer | None:
    """The one approved answer with a wording of this normalised text that nobody disputes."""
    if not key:
        return None
    found = list(
        approved_answers(bot).filter(locale=locale, variants__normalized=key).distinct()[:2]
    )
    # Two answers to one question: nobody decided which, so neither is served.
    if len(found) != 1 or is_disputed(found[0], key):
        return None
    return found[0]


def by_meaning(question: Asked, match: Match) -> Ready | None:
    """The approved answer that ``match`` found, as it is now."""
    if question.is_rejected:
        return None
    bot = question.message.conversation.bot
    answer = matched_answer(bot, question.locale, question.key, match)
    return None if answer is None else _approved(question, answer, match)


def matched_answer(bot: Bot, locale: str, key: str, match: Match) -> CuratedAnswer | None:
    """What ``match`` serves, if it is still approved and nobody disputes it for this question."""
    if match.answer is None:
        return None
    answer = approved_answers(bot).filter(pk=match.answer, locale=locale).first()
    return None if answer is None or is_disputed(answer, key) else answer


def cached_key(question: Asked, deployment: Deployment) -> str:
    """Where an answer to this question may be kept; empty for one that may never be.

    Only first questions, without anything personal: nothing of one customer can reach another.
    """
    if not question.is_first or question.is_rejected or not question.key:
        return ""
    if _PLACEHOLDER.search(question.message.text):
        return ""
    conversation = question.message.conversation
    scope = CacheScope(
        bot=conversation.bot_id,
        deployment=deployment.pk,
        prompt_version=prompts.VERSION,
        knowledge_version=conversation.bot.knowledge_version,
        policy_version=current_policy().version,
        locale=question.locale,
        audience="widget" if conversation.visitor.token_hash else "server",
    )
    return cache_key(scope, questions.as_typed(question.message.text))


def cached(question: Asked, key: str, cache: AnswerCache) -> Ready | None:
    """The answer that is kept under ``key``."""
    found = cache.find(key) if key else None
    if found is None:
        return None
    if _was_rejected(question, found.message_id):
        # Valkey may have been away when it should have forgotten it.
        cache.ban(key)
        return None
    cache.note_asked(key, str(question.message.conversation.visitor_id))
    return from_cache(question, key, found.text)


def from_cache(question: Asked, key: str, text: str) -> Ready | None:
    """A kept or shared answer of the model, moderated again."""
    clean = _moderated(text, question)
    if clean is None:
        return None
    return Ready(clean, Message.Source.CACHE, {"kind": "cache", "cache_key": key})


def _was_rejected(question: Asked, message_id: str) -> bool:
    down = Feedback.objects.filter(value=Feedback.Value.DOWN, message__public_id=message_id)
    disputed = Dispute.objects.filter(
        bot=question.message.conversation.bot, answer=None, normalized=question.key
    ).exclude(resolution=Dispute.Resolution.SERVED)
    return down.exists() or disputed.exists()


def is_impersonal(text: str) -> bool:
    """Whether an answer may be kept: nothing in it stands for somebody's personal data."""
    return bool(text) and not _PLACEHOLDER.search(text)


def read(question: Asked, match: Match | None, style: prompts.Style) -> Reading:
    """What a model of this style gets to read, as it is now. Two queries, or three."""
    if match is None:
        return Reading(None, (), {})
    first = Prefetch("variants", QuestionVariant.objects.filter(position=0))
    answers = approved_answers(question.message.conversation.bot).prefetch_related(first)
    near = near_of(match, answers)
    shown = [variant.text for _, answer in near for variant in answer.variants.all()]
    return Reading(
        knowledge=knowledge_of(near, listed(near, style)),
        similar=tuple(text for text in shown if questions.normalized(text) != question.key)[
            :SUGGESTIONS
        ],
        facts=match_facts(match, [answer for _, answer in near]),
        near=near,
    )


def near_of(match: Match, answers: QuerySet[CuratedAnswer]) -> Near:
    """Those of ``answers`` that ``match`` found, as they are now, nearest first."""
    known = answers.in_bulk([each.answer for each in match.near])
    return tuple((each, known[each.answer]) for each in match.near if each.answer in known)


Listed = Mapping[int, tuple[str, ...]]
"""More approved questions of answers, by their primary key."""


def listed(near: Near, style: prompts.Style) -> Listed:
    """The first questions of each answer beside the one that was found, for models that read lists
    of them. One query, or none."""
    if style != "questions":
        return {}
    found: dict[int, list[str]] = {answer.pk: [] for _, answer in near}
    nearest = {each.question for each, _ in near}
    first = QuestionVariant.objects.filter(
        answer__in=[answer for _, answer in near[: prompts.READ]], position__lt=prompts.LISTED
    )
    for variant in first:
        if variant.text not in nearest:
            found[variant.answer_id].append(variant.text)
    return {pk: tuple(texts) for pk, texts in found.items()}


def knowledge_of(near: Near, others: Listed) -> tuple[prompts.Knowledge, ...]:
    """For the prompt: each question that was found, with the answer to it and ``others`` of its."""
    return tuple(
        prompts.Knowledge(each.question, answer.text, others.get(answer.pk, ()))
        for each, answer in near
    )


def by_number(question: Asked, reading: Reading, reply: str) -> Ready | None:
    """The approved answer that a model named by its number, as the policy lets it be said."""
    place = prompts.chosen(reply, len(reading.near))
    if place is None:
        return None
    _, answer = reading.near[place]
    if (text := _moderated(answer.text, question)) is None:
        return None
    facts = {**reading.facts, "kind": "named", "number": place + 1}
    return Ready(text, Message.Source.MODEL, facts, answer)


def match_facts(match: Match, answers: Sequence[CuratedAnswer]) -> dict[str, Any]:
    """A match as it is stored with the reply."""
    revisions = {each.pk: each.revision for each in answers}
    return {
        "kind": match.kind.value,
        "score": round(match.score, 4),
        "rank": round(match.rank, 4),
        "margin": round(match.margin, 4),
        "objection": match.objection,
        "near": [
            {
                "answer": each.answer,
                "revision": revisions.get(each.answer),
                "question": each.question,
                "score": round(each.score, 4),
            }
            for each in match.near
        ],
    }


def _approved(question: Asked, answer: CuratedAnswer, match: Match) -> Ready | None:
    text = _moderated(answer.text, question)
    if text is None:
        return None
    return Ready(text, Message.Source.CURATED, match_facts(match, [answer]), answer)


def _moderated(text: str, question: Asked) -> str | None:
    """The text as the policy lets the bot say it; None when it may not."""
    if _is_clean(text, current_policy().version):
        return text
    conversation = question.message.conversation
    verdict = screen(
        text,
        Direction.OUTBOUND,
        scope=str(conversation.public_id),
        reference=str(question.message.public_id),
    )
    return None if verdict.is_blocked else verdict.text


@functools.lru_cache(maxsize=4096)
def _is_clean(text: str, _version: str) -> bool:
    """Whether a policy finds nothing in the text; the same answers are said again and again."""
    return not moderate(text, current_policy(), Direction.OUTBOUND).findings
