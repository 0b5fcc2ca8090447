"""Approved answers: written, changed, taken out of service; each change kept and announced."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils.text import slugify
from django.utils.translation import gettext as _

from chat.knowledge.questions import normalized
from chat.models import AnswerRevision, Bot, CuratedAnswer, QuestionVariant
from chat.services import publishing
from moderation.actors import named
from moderation.services import audit

LONGEST_QUESTION = 500
LONGEST_ANSWER = 4000
MOST_QUESTIONS = 200


class InvalidAnswer(ValueError):
    """It cannot be kept as it is; the text says why, to a person."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants an answer to be. ``questions[0]`` is the one that customers see."""

    questions: tuple[str, ...]
    text: str
    key: str = ""
    topic: str = ""
    is_active: bool = True
    owner: User | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    note: str = ""


def clean(draft: Draft) -> Draft:
    """The draft without spaces around and wordings twice. Raises :class:`InvalidAnswer`."""
    questions: dict[str, str] = {}
    for question in draft.questions:
        text = " ".join(question.split())
        if not text:
            continue
        _check_characters(text)
        if len(text) > LONGEST_QUESTION:
            raise InvalidAnswer(
                _("A question may have %(limit)d characters at most: %(question)s")
                % {"limit": LONGEST_QUESTION, "question": text[:60] + "…"}
            )
        if not (key := normalized(text)):
            raise InvalidAnswer(_("There are no words in the question “%s”.") % text)
        questions.setdefault(key, text)
    text = draft.text.strip()
    if not questions:
        raise InvalidAnswer(_("Write at least one question."))
    if len(questions) > MOST_QUESTIONS:
        raise InvalidAnswer(_("An answer may have %d questions at most.") % MOST_QUESTIONS)
    if not text:
        raise InvalidAnswer(_("Write an answer."))
    if len(text) > LONGEST_ANSWER:
        raise InvalidAnswer(
            _("An answer may have %(limit)d characters at most.") % {"limit": LONGEST_ANSWER}
        )
    _check_characters(text)
    if draft.valid_from and draft.valid_until and draft.valid_until <= draft.valid_from:
        raise InvalidAnswer(_("It has to become valid before it ends."))
    return Draft(
        questions=tuple(questions.values()),
        text=text,
        key=key_of(draft.key),
        topic=" ".join(draft.topic.split())[:60],
        is_active=draft.is_active,
        owner=draft.owner,
        valid_from=draft.valid_from,
        valid_until=draft.valid_until,
        note=draft.note.strip()[:200],
    )


def key_of(name: str) -> str:
    """``name`` as the key of an answer; empty when nothing of it can stand in one."""
    return slugify(name, allow_unicode=True)[:80]


def _check_characters(text: str) -> None:
    # No database and no UTF-8 file can carry these.
    if any(unicodedata.category(each) == "Cs" or each == "\x00" for each in text):
        raise InvalidAnswer(_("The text contains characters that are not text."))


@transaction.atomic
def save(
    bot: Bot,
    locale: str,
    draft: Draft,
    *,
    author: User | None,
    answer: CuratedAnswer | None = None,
) -> CuratedAnswer:
    """Write an answer, or a new version of ``answer``. Nothing happens when nothing differs.

    Raises :class:`InvalidAnswer`.
    """
    saved = _save(bot, locale, clean(draft), author=author, answer=answer)
    announce([bot])
    audit.record(
        "answer.saved",
        target=f"answer:{saved.public_id}",
        bot=bot.slug,
        facts={"version": saved.revision, "is_new": answer is None},
        by=named(author),
    )
    return saved


@transaction.atomic
def save_all(
    bot: Bot,
    locale: str,
    drafts: Sequence[Draft],
    *,
    author: User | None,
    tell_runners: bool = True,
) -> tuple[int, int]:
    """Write many, all or none; those with a known key get a new version.

    ``tell_runners`` is False before any runs. Returns how many were written new and how many changed. Raises :class:`InvalidAnswer`.
    """
    known = {each.key: each for each in CuratedAnswer.objects.filter(bot=bot, locale=locale)}
    new = changed = 0
    for draft in map(clean, drafts):
        answer = known.get(draft.key) if draft.key else None
        before = answer.revision if answer else 0
        saved = _save(bot, locale, draft, author=author, answer=answer)
        known[saved.key] = saved
        new += answer is None
        changed += answer is not None and saved.revision != before
    if new or changed:
        announce([bot], tell_runners=tell_runners)
        facts = {"locale": locale, "new": new, "changed": changed}
        audit.record("answers.saved", bot=bot.slug, facts=facts, by=named(author))
    return new, changed


@transaction.atomic
def switch(answers: Iterable[CuratedAnswer], *, active: bool, author: User | None) -> int:
    """Take answers in or out of service; returns how many changed."""
    switched = [each for each in answers if each.is_active != active]
    for answer in switched:
        answer.is_active = active
        answer.revision += 1
        answer.save(update_fields=["is_active", "revision", "updated_at"])
        _keep_revision(answer, author, note="")
    announce({each.bot for each in switched})
    for answer in switched:
        audit.record(
            "answer.switched",
            target=f"answer:{answer.public_id}",
            bot=answer.bot.slug,
            facts={"version": answer.revision, "is_active": active},
            by=named(author),
        )
    return len(switched)


@transaction.atomic
def remove(answers: Iterable[CuratedAnswer]) -> int:
    """Delete answers with their versions and disputes; what was said with them stays as said."""
    removed = list(answers)
    CuratedAnswer.objects.filter(pk__in=[each.pk for each in removed]).delete()
    announce({each.bot for each in removed})
    for answer in removed:
        audit.record("answer.removed", target=f"answer:{answer.public_id}", bot=answer.bot.slug)
    return len(removed)


def restore(revision: AnswerRevision, *, author: User | None) -> CuratedAnswer:
    """An earlier version again, as a new one."""
    answer = revision.answer
    draft = Draft(
        questions=tuple(revision.questions),
        text=revision.text,
        key=answer.key,
        topic=answer.topic,
        is_active=revision.is_active,
        owner=answer.owner,
        valid_from=answer.valid_from,
        valid_until=answer.valid_until,
        note=_("Version %d again") % revision.number,
    )
    return save(answer.bot, answer.locale, draft, author=author, answer=answer)


def _save(
    bot: Bot, locale: str, draft: Draft, *, author: User | None, answer: CuratedAnswer | None
) -> CuratedAnswer:
    if answer is None:
        answer = CuratedAnswer(bot=bot, locale=locale, owner=draft.owner or author)
        before = None
    else:
        before = (answer.text, answer.is_active, _questions(answer))
        answer.owner = draft.owner
    answer.key = _free_key(answer, draft)
    answer.topic, answer.text, answer.is_active = draft.topic, draft.text, draft.is_active
    answer.valid_from, answer.valid_until = draft.valid_from, draft.valid_until
    is_new_revision = before != (draft.text, draft.is_active, list(draft.questions))
    answer.revision += is_new_revision
    answer.save()
    if is_new_revision:
        answer.variants.all().delete()
        QuestionVariant.objects.bulk_create(
            QuestionVariant(
                answer=answer, text=question, normalized=normalized(question), position=position
            )
            for position, question in enumerate(draft.questions)
        )
        _keep_revision(answer, author, note=draft.note)
    return answer


def _questions(answer: CuratedAnswer) -> list[str]:
    return list(answer.variants.values_list("text", flat=True))


def _keep_revision(answer: CuratedAnswer, author: User | None, *, note: str) -> None:
    AnswerRevision.objects.create(
        answer=answer,
        number=answer.revision,
        text=answer.text,
        questions=_questions(answer),
        is_active=answer.is_active,
        note=note,
        author=author,
    )


def stem_of(question: str) -> str:
    """What a key made of a question begins with."""
    return slugify(question, allow_unicode=True)[:70] or "answer"


def _free_key(answer: CuratedAnswer, draft: Draft) -> str:
    """The key that was asked for, or one of the first question that nobody has."""
    wanted = draft.key or answer.key
    others = CuratedAnswer.objects.filter(bot=answer.bot, locale=answer.locale).exclude(
        pk=answer.pk
    )
    if wanted:
        if others.filter(key=wanted).exists():
            raise InvalidAnswer(_("Another answer has the key “%s” already.") % wanted)
        return wanted
    stem = stem_of(draft.questions[0])
    taken = set(others.filter(key__startswith=stem).values_list("key", flat=True))
    number = 1
    while (key := stem if number == 1 else f"{stem}-{number}") in taken:
        number += 1
    return key


def announce(bots: Iterable[Bot], *, tell_runners: bool = True) -> None:
    """Every answer from now on knows the new knowledge; runners renew their indexes."""
    for bot in bots:
        Bot.objects.filter(pk=bot.pk).update(knowledge_version=F("knowledge_version") + 1)
        if tell_runners:
            publishing.call_runners("knowledge", bot=bot.pk)
