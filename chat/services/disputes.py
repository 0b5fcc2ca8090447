"""An answer was not for this question, or bad: out of service at once, then people decide.

What is taken out is the pair of wording and answer, never a whole approved answer: nobody
can silence a bot by pressing thumbs-down. A pair that a person confirmed stays in service.
"""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from chat.answer_cache import AnswerCache
from chat.knowledge.questions import normalized
from chat.models import CuratedAnswer, Dispute, Message
from chat.services import publishing
from moderation.actors import Actor
from moderation.services import audit

DISPUTABLE = (Message.Source.CURATED, Message.Source.CACHE, Message.Source.MODEL)


@transaction.atomic
def open_dispute(message: Message, *, is_other_question: bool) -> Dispute | None:
    """Note that the visitor rejects ``message``. None when it is nobody's ready answer.

    A second report of the same message only adds what was not said before.
    """
    question = message.reply_to
    if message.source not in DISPUTABLE or question is None:
        return None
    if message.source != Message.Source.CURATED:
        _ban(message)
    if message.source == Message.Source.MODEL:
        # The feedback itself says what there is to say: nothing was served ready.
        return None
    dispute, created = Dispute.objects.get_or_create(
        message=message,
        defaults={
            "bot": message.conversation.bot,
            "answer": message.curated_answer,
            "visitor": message.conversation.visitor,
            "locale": message.conversation.locale,
            "question": question.text,
            "normalized": normalized(question.text),
            "shown": message.text,
            "is_other_question": is_other_question,
        },
    )
    if not created and is_other_question and not dispute.is_other_question:
        dispute.is_other_question = True
        dispute.save(update_fields=["is_other_question"])
    return dispute


@transaction.atomic
def withdraw(message: Message) -> None:
    """The visitor took the thumbs back before anybody had decided."""
    Dispute.objects.filter(message=message, resolution=Dispute.Resolution.OPEN).delete()


@transaction.atomic
def resolve(dispute: Dispute, *, resolution: str, by: User) -> int:
    """Decide for this pair of wording and answer, all its reports at once; returns how many."""
    same = Dispute.objects.filter(
        bot=dispute.bot, answer=dispute.answer, normalized=dispute.normalized
    )
    resolved = same.update(resolution=resolution, resolved_by=by, resolved_at=timezone.now())
    publishing.call_runners("knowledge", bot=dispute.bot_id)
    audit.record(
        "dispute.resolved",
        target=f"message:{dispute.message.public_id}",
        bot=dispute.bot.slug,
        facts={"resolution": resolution, "reports": resolved},
        by=Actor.of(by),
    )
    return resolved


def is_disputed(answer: CuratedAnswer, key: str) -> bool:
    """Whether ``answer`` may not be served for the wording ``key`` (normalised) now."""
    decisions = set(
        Dispute.objects.filter(answer=answer, normalized=key).values_list("resolution", flat=True)
    )
    if Dispute.Resolution.SEPARATED in decisions:
        return True
    # Confirmed by a person: later reports are counted, and change nothing by themselves.
    return Dispute.Resolution.OPEN in decisions and Dispute.Resolution.SERVED not in decisions


def _ban(message: Message) -> None:
    key = message.match.get("cache_key", "")
    if key:
        transaction.on_commit(lambda: AnswerCache().ban(key))
