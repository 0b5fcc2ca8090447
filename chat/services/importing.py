"""Approved answers from files: looked at as a whole, then written as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.knowledge.embedding import EmbeddingError
from chat.knowledge.files import Contents, Entry, Fault
from chat.knowledge.questions import normalized
from chat.libraries import LibraryShelf
from chat.models import Bot, CuratedAnswer
from chat.services import knowledge
from chat.services.conflicts import MOST_EMBEDDED, Conflict, Proposal, conflicts_of_all
from chat.services.knowledge import Draft, InvalidAnswer
from moderation.services import audit

FAULTS: dict[Fault, str | Promise] = {
    Fault.TOO_LARGE: gettext_lazy("The file is larger than 5 MB."),
    Fault.TOO_MANY: gettext_lazy("The file has more than 20,000 answers."),
    Fault.ENCODING: gettext_lazy("The file is no text in UTF-8, UTF-16 or GB 18030."),
    Fault.EMPTY: gettext_lazy("There are no answers in the file."),
    Fault.COLUMNS: gettext_lazy(
        "The first row of a CSV file names its columns: there must be question and answer."
    ),
    Fault.CSV: gettext_lazy("The CSV file cannot be read."),
    Fault.JSON: gettext_lazy("This is no JSON."),
    Fault.NO_OBJECT: gettext_lazy("An object with questions and answer was expected."),
    Fault.NO_TEXT: gettext_lazy("Key, topic, questions and answer have to be texts."),
    Fault.NO_QUESTION: gettext_lazy("There is no question."),
    Fault.NO_ANSWER: gettext_lazy("There is no answer."),
    Fault.SAME_KEY: gettext_lazy("An earlier row has the same key."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row cannot be imported, said to a person."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do. With ``problems`` nothing can be imported.

    ``is_thorough``: questions were compared by meaning, too, not only word for word.
    """

    new: tuple[Draft, ...]
    changed: tuple[Draft, ...]
    unchanged: int
    problems: tuple[Problem, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    is_thorough: bool = True


def plan(bot: Bot, locale: str, contents: Contents, *, shelf: LibraryShelf | None) -> Plan:
    """What it means to import ``contents``; nothing is written. Without ``shelf``
    conflicts are looked for word for word only."""
    known = _Known(bot, locale)
    new: list[Draft] = []
    changed: list[Draft] = []
    unchanged = 0
    problems = [Problem(each.line, str(FAULTS[each.fault])) for each in contents.fails]
    answered: dict[str, tuple[int, str]] = {}
    keys: set[str] = set()
    for entry in contents.entries:
        try:
            draft = known.draft(entry)
            # Keys that were written differently may be one, and so may rows without.
            if draft.key in keys:
                raise InvalidAnswer(str(FAULTS[Fault.SAME_KEY]))
            _note_questions(draft, entry.line, answered)
        except InvalidAnswer as error:
            problems.append(Problem(entry.line, str(error)))
            continue
        keys |= {draft.key} - {""}
        answer = known.by_key.get(draft.key)
        if answer is None:
            new.append(draft)
        elif known.is_same(answer, draft):
            unchanged += 1
        else:
            changed.append(draft)
    found, is_thorough = _conflicts(bot, locale, known, [*new, *changed], shelf)
    return Plan(
        tuple(new),
        tuple(changed),
        unchanged,
        tuple(sorted(problems, key=lambda each: each.line)),
        tuple(found),
        is_thorough,
    )


def carry_out(bot: Bot, locale: str, this: Plan, *, author: User | None) -> tuple[int, int]:
    """Write the plan, all or nothing; returns how many answers are new and how many changed.

    Raises :class:`InvalidAnswer`.
    """
    return knowledge.save_all(bot, locale, [*this.new, *this.changed], author=author)


def exported(bot: Bot, locale: str) -> list[Entry]:
    """All answers of a bot in one language as they are in a file. That they were taken is recorded."""
    with transaction.atomic():
        audit.record("export.made", target=f"knowledge:{locale}", bot=bot.slug)
    answers = bot.curated_answers.filter(locale=locale).prefetch_related("variants")
    return [
        Entry(
            tuple(variant.text for variant in each.variants.all()), each.text, each.key, each.topic
        )
        for each in answers
    ]


class _Known:
    """The answers that are there already."""

    def __init__(self, bot: Bot, locale: str) -> None:
        answers = CuratedAnswer.objects.filter(bot=bot, locale=locale).select_related("owner")
        self.by_key = {each.key: each for each in answers.prefetch_related("variants")}
        self._key_of = {
            variant.normalized: each.key
            for each in self.by_key.values()
            for variant in each.variants.all()
            if variant.position == 0
        }

    def draft(self, entry: Entry) -> Draft:
        """The entry as a draft. What files do not say stays as it is. Raises :class:`InvalidAnswer`.

        A row without a key belongs to the answer that has its first question.
        """
        draft = knowledge.clean(Draft(entry.questions, entry.answer, entry.key, entry.topic))
        key = draft.key or self._key_of.get(normalized(draft.questions[0]), "")
        if (answer := self.by_key.get(key)) is None:
            return draft
        return replace(
            draft,
            key=key,
            topic=draft.topic or answer.topic,
            is_active=answer.is_active,
            owner=answer.owner,
            valid_from=answer.valid_from,
            valid_until=answer.valid_until,
        )

    def is_same(self, answer: CuratedAnswer, draft: Draft) -> bool:
        questions = tuple(each.text for each in answer.variants.all())
        return (questions, answer.text, answer.topic) == (draft.questions, draft.text, draft.topic)


def _note_questions(draft: Draft, line: int, answered: dict[str, tuple[int, str]]) -> None:
    """Raises :class:`InvalidAnswer` when an earlier row answers one of the questions otherwise."""
    for question in draft.questions:
        earlier, text = answered.setdefault(normalized(question), (line, draft.text))
        if text != draft.text:
            raise InvalidAnswer(
                _("Row %(line)d has another answer to “%(question)s”.")
                % {"line": earlier, "question": question}
            )


def _conflicts(
    bot: Bot, locale: str, known: _Known, drafts: Sequence[Draft], shelf: LibraryShelf | None
) -> tuple[list[Conflict], bool]:
    proposals = [
        Proposal(each.questions, each.text, answer.pk if answer else None)
        for each in drafts
        for answer in [known.by_key.get(each.key)]
    ]
    is_small = sum(len(each.questions) for each in proposals) <= MOST_EMBEDDED
    if shelf is not None and is_small:
        try:
            return conflicts_of_all(bot, locale, proposals, shelf=shelf), True
        except EmbeddingError:
            pass
    return conflicts_of_all(bot, locale, proposals, shelf=None), False
