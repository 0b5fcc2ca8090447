"""A bad answer, put right once: served at once, taught to the next model, asked of every model."""

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.inference.engine import ChatMessage
from chat.knowledge.questions import normalized
from chat.models import Bot, CuratedAnswer, Message, QuestionVariant
from chat.selectors import active_deployments
from chat.services import knowledge
from chat.services.knowledge import Draft
from moderation.actors import named
from moderation.services import audit
from training.evaluation.regression import Case
from training.formats import Turn
from training.frozen import FrozenRow
from training.models import Correction, Dataset, Evaluation, Example
from training.services import examples
from training.services.examples import InvalidExample
from training.services.gathering import turns_before

SOURCE = "correction"
_FIELDS = ("text", "is_active", "owner", "valid_from", "valid_until", "topic", "key")


class NotCorrectable(ValueError):
    """The message cannot be put right; the text says why, to a person."""


@transaction.atomic
def correct(message: Message, *, text: str, by: User | None) -> Correction:
    """Put right what the bot said in ``message``.

    From the commit on, ``text`` is the approved answer to the customer's very wording: no other
    approved answer has it any more, and one that says the same gets it. The conversation up to
    it, with ``text`` as its end, waits in the newest dataset of the bot for somebody else to approve.

    Raises :class:`NotCorrectable` and :class:`~chat.services.knowledge.InvalidAnswer`.
    """
    question = message.reply_to
    if message.role != Message.Role.ASSISTANT or not message.is_settled or question is None:
        raise NotCorrectable(_("Only an answer of the bot can be put right."))
    bot, locale = message.conversation.bot, message.conversation.locale
    turns = list(turns_before(message, question))
    if not turns:
        raise NotCorrectable(_("Its question was kept from the bot: there is nothing to answer."))
    answer = _override(bot, locale, question.text, text, by)
    correction = Correction.objects.create(
        bot=bot,
        locale=locale,
        message=message,
        turns=turns,
        rejected=message.text,
        text=answer.text,
        answer=answer,
        example=_example(message, turns, answer.text, by),
        created_by=by,
    )
    audit.record(
        "answer.corrected",
        target=f"correction:{correction.public_id}",
        bot=bot.slug,
        facts={"message": str(message.public_id), "answer": str(answer.public_id)},
        by=named(by),
    )
    return correction


@transaction.atomic
def retire(correction: Correction, *, by: User | None) -> Correction:
    """Take the override out of service: the model answers by itself from now on.

    The answer loses this wording; without another one it goes out of use. Nothing is deleted.
    """
    current = Correction.objects.select_for_update(of=("self",)).get(pk=correction.pk)
    if current.retired_at is not None:
        return current
    if current.answer is not None:
        _take_wording(current.answer, current.question, by, note=_("Override retired"))
    current.retired_by, current.retired_at = by, timezone.now()
    current.save(update_fields=["retired_by", "retired_at"])
    audit.record(
        "correction.retired",
        target=f"correction:{current.public_id}",
        bot=current.bot.slug,
        by=named(by),
    )
    return current


def retirable(bot: Bot) -> list[Correction]:
    """The overrides that the model in service needs no more.

    Its newest evaluation asked their questions with the override left out, and the answers were right.
    """
    deployment = active_deployments().filter(bot=bot).first()
    if deployment is None or not deployment.artifact:
        return []
    evaluation = (
        Evaluation.objects.filter(
            artifact=deployment.artifact,
            status=Evaluation.Status.FINISHED,
            suites__has_key="regression",
        )
        .order_by("-id")
        .first()
    )
    if evaluation is None:
        return []
    right = evaluation.suites["regression"]["right"]
    return list(in_force(bot).filter(public_id__in=right))


def in_force(bot: Bot) -> QuerySet[Correction]:
    """Corrections whose override is served."""
    return Correction.objects.filter(bot=bot, retired_at=None).select_related("answer")


def cases(bot: Bot) -> list[Case]:
    """What every model of the bot is asked again, retired ones included: they may break again."""
    return [
        Case(str(each.public_id), _row(each))
        for each in Correction.objects.filter(bot=bot).order_by("id")
    ]


def _override(bot: Bot, locale: str, question: str, text: str, by: User | None) -> CuratedAnswer:
    wording = normalized(question)
    same = normalized(text)
    of_bot = CuratedAnswer.objects.filter(bot=bot, locale=locale)
    answer = next(
        (each for each in of_bot.filter(is_active=True) if normalized(each.text) == same), None
    )
    for other in of_bot.filter(variants__normalized=wording).distinct():
        if other != answer:
            _take_wording(other, question, by, note=_("Its wording was given another answer"))
    if answer is None:
        draft = Draft(questions=(question,), text=text, note=_("A correction"))
        return knowledge.save(bot, locale, draft, author=by)
    known = _wordings(answer)
    return _rewrite(answer, (*known, question), by, note=_("A correction"))


def _take_wording(answer: CuratedAnswer, question: str, by: User | None, *, note: str) -> None:
    left = answer.variants.exclude(normalized=normalized(question))
    texts = tuple(left.values_list("text", flat=True))
    if not texts:
        knowledge.switch([answer], active=False, author=by)
    elif len(texts) < answer.variants.count():
        _rewrite(answer, texts, by, note=note)


def _rewrite(
    answer: CuratedAnswer, questions: Iterable[str], by: User | None, *, note: str
) -> CuratedAnswer:
    kept = {field: getattr(answer, field) for field in _FIELDS}
    draft = Draft(questions=tuple(questions), note=note, **kept)
    return knowledge.save(answer.bot, answer.locale, draft, author=by, answer=answer)


def _wordings(answer: CuratedAnswer) -> tuple[str, ...]:
    return tuple(QuestionVariant.objects.filter(answer=answer).values_list("text", flat=True))


def _example(
    message: Message, turns: list[ChatMessage], text: str, by: User | None
) -> Example | None:
    """The example that waits for approval; None without a dataset, or when it is known."""
    dataset = Dataset.objects.filter(bot=message.conversation.bot).order_by("-id").first()
    if dataset is None:
        return None
    example = Example(
        dataset=dataset,
        locale=message.conversation.locale,
        status=Example.Status.DRAFT,
        source=SOURCE,
        conversation=message.conversation,
    )
    said = [*turns, ChatMessage(role="assistant", content=text)]
    spoken = [Turn(each["role"], each["content"]) for each in said]  # type: ignore[arg-type]
    try:
        # A fault of the example is no reason to leave the customer with the bad answer.
        with transaction.atomic():
            return examples.save(example, spoken, author=by)
    except InvalidExample:
        return None


def _row(correction: Correction) -> FrozenRow:
    messages = [*correction.turns, {"role": "assistant", "content": correction.text}]
    return FrozenRow(
        id=str(correction.public_id),
        messages=tuple(messages),
        group="",
        cluster="",
        split="test",
        locale=correction.locale,
        scenario="other",
        hands_over=False,
        source=SOURCE,
        licence="",
    )
