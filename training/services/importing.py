"""Conversations from files: looked at as a whole, then written as a whole."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.inference.engine import ChatMessage
from chat.knowledge.questions import language, normalized
from chat.models import AnswerRevision, Bot, CuratedAnswer
from moderation.actors import named
from moderation.current import current_policy
from moderation.services import audit
from training.formats import Contents, Entry, Fault, Turn
from training.frozen import digest
from training.models import Dataset, Example, Scenario
from training.screening import Screen

FAULTS: dict[Fault, str | Promise] = {
    Fault.TOO_LARGE: gettext_lazy("The file is larger than 20 MB, or unpacks to more than 200 MB."),
    Fault.TOO_MANY: gettext_lazy("The file has more than 50,000 conversations."),
    Fault.ENCODING: gettext_lazy("The file is no text in UTF-8, UTF-16 or GB 18030."),
    Fault.EMPTY: gettext_lazy("There are no conversations in the file."),
    Fault.COLUMNS: gettext_lazy(
        "The first row of a table names its columns: there must be question and answer."
    ),
    Fault.CSV: gettext_lazy("The CSV file cannot be read."),
    Fault.XLSX: gettext_lazy("The XLSX file cannot be read."),
    Fault.JSON: gettext_lazy("This is no JSON."),
    Fault.NO_OBJECT: gettext_lazy("An object was expected."),
    Fault.SHAPE: gettext_lazy(
        "This is no conversation: messages, conversations, context and response, instruction and "
        "output, or question and answer were expected."
    ),
    Fault.NO_TEXT: gettext_lazy("A text was expected where something else stands."),
    Fault.ROLE: gettext_lazy("It is not clear who speaks."),
    Fault.NO_QUESTION: gettext_lazy("There is no question."),
    Fault.NO_ANSWER: gettext_lazy("The conversation does not end with an answer."),
    Fault.TOO_LONG: gettext_lazy(
        "The conversation is too long: 100 turns, 4,000 characters a turn, 30,000 in all."
    ),
    Fault.LOCALE: gettext_lazy("The language is neither en nor zh-hans."),
    Fault.SPLIT: gettext_lazy("A split is train, dev or test."),
}

_SCENARIOS = {
    "shipping": Scenario.DELIVERY, "logistics": Scenario.DELIVERY, "物流": Scenario.DELIVERY,
    "配送": Scenario.DELIVERY, "orders": Scenario.ORDER, "cancel": Scenario.ORDER,
    "订单": Scenario.ORDER, "return": Scenario.RETURNS, "refund": Scenario.RETURNS,
    "refunds": Scenario.RETURNS, "退换": Scenario.RETURNS, "退货": Scenario.RETURNS,
    "售后": Scenario.RETURNS, "invoice": Scenario.PAYMENT, "payments": Scenario.PAYMENT,
    "支付": Scenario.PAYMENT, "付款": Scenario.PAYMENT, "发票": Scenario.PAYMENT,
    "账户": Scenario.ACCOUNT, "账号": Scenario.ACCOUNT, "complaints": Scenario.COMPLAINT,
    "feedback": Scenario.COMPLAINT, "投诉": Scenario.COMPLAINT, "咨询": Scenario.CONSULTATION,
    "product": Scenario.CONSULTATION, "products": Scenario.CONSULTATION,
    "presales": Scenario.CONSULTATION,
}  # fmt: skip

_BATCH = 500
_NAMESPACE = uuid.UUID("6fb0d3c5-9a51-4c38-8a3e-3c1f5b6c2a10")

Progress = Callable[[int], object]
"""Told how many rows more are done."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for rows that do not say it themselves."""

    locale: str = ""
    source: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row cannot be imported, said to a person."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A row as it would be kept. ``replaced`` are the categories that masking replaced in it."""

    entry: Entry
    digest: str
    replaced: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, Any]:
        """Those of the example it becomes."""
        entry = self.entry
        return {
            "messages": list(messages_of(entry.turns)),
            "digest": self.digest,
            "locale": entry.locale,
            "scenario": entry.scenario,
            "group": entry.group,
            "hands_over": entry.hands_over,
            "split": entry.split,
            "source": entry.source,
            "licence": entry.licence,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do. With ``problems`` nothing can be imported.

    ``duplicates`` are rows that are there already or stand in the file twice; ``replaced``
    counts what masking replaced, by category.
    """

    new: tuple[Draft, ...]
    duplicates: int = 0
    problems: tuple[Problem, ...] = ()
    replaced: Counter[str] = field(default_factory=Counter)

    @property
    def masked(self) -> list[Draft]:
        return [each for each in self.new if each.replaced]


def plan(
    bot: Bot,
    contents: Contents,
    *,
    dataset: Dataset | None = None,
    defaults: Defaults = Defaults(),
    progress: Progress | None = None,
) -> Plan:
    """What it means to import ``contents`` into ``dataset``, or into a new one of ``bot``.

    Nothing is written. Every turn is masked by the current policy, both sides of it; rows that
    the policy blocks for training data are problems.
    """
    known = _digests(dataset)
    desk = _Desk(bot, defaults)
    new: list[Draft] = []
    duplicates = 0
    replaced: Counter[str] = Counter()
    problems = [Problem(each.line, str(FAULTS[each.fault])) for each in contents.fails]
    for entry in contents.entries:
        found = desk.draft(entry)
        if progress:
            progress(1)
        if isinstance(found, Problem):
            problems.append(found)
        elif found.digest in known:
            duplicates += 1
        else:
            known.add(found.digest)
            replaced.update(found.replaced)
            new.append(found)
    problems.sort(key=lambda each: each.line)
    return Plan(tuple(new), duplicates, tuple(problems), replaced)


@transaction.atomic
def carry_out(
    dataset: Dataset,
    this: Plan,
    *,
    author: User | None,
    status: Example.Status = Example.Status.APPROVED,
    progress: Progress | None = None,
) -> int:
    """Write the plan, all or nothing; returns how many examples are new.

    Whoever imports examples as approved has reviewed them. Raises ``ValueError`` for a plan with
    problems.
    """
    if this.problems:
        raise ValueError("A plan with problems is not carried out.")
    known = _digests(dataset)
    drafts = [each for each in this.new if each.digest not in known]
    is_reviewed = status is Example.Status.APPROVED
    for start in range(0, len(drafts), _BATCH):
        batch = drafts[start : start + _BATCH]
        ids = public_ids(dataset, [each.digest for each in batch])
        Example.objects.bulk_create(
            Example(
                public_id=public_id,
                dataset=dataset,
                status=status,
                author=author,
                reviewer=author if is_reviewed else None,
                **each.fields,
            )
            for public_id, each in zip(ids, batch, strict=True)
        )
        if progress:
            progress(len(batch))
    audit.record(
        "examples.imported",
        target=f"dataset:{dataset.public_id}",
        bot=dataset.bot.slug,
        facts={"examples": len(drafts), "status": status.value},
        by=named(author),
    )
    return len(drafts)


def without_problems(this: Plan) -> Plan:
    """The plan for the rows that have none."""
    return replace(this, problems=())


def approved_answers(bot: Bot) -> set[str]:
    """All that people ever approved for customers of the bot. One query."""
    texts = AnswerRevision.objects.filter(answer__bot=bot).values_list("text", flat=True)
    return set(texts)


def screen_of(bot: Bot) -> Screen:
    """The current policy, for data of a bot. Raises what a policy that cannot be loaded raises."""
    return Screen(current_policy(), approved_answers(bot))


def exported(dataset: Dataset) -> Iterable[Entry]:
    """All examples that were not rejected, as they are in a file. That they were taken is recorded."""
    with transaction.atomic():
        audit.record("export.made", target=f"dataset:{dataset.public_id}", bot=dataset.bot.slug)
    examples = dataset.examples.exclude(status=Example.Status.REJECTED)
    return (entry_of(each) for each in examples.iterator(chunk_size=_BATCH))


def entry_of(example: Example) -> Entry:
    return Entry(
        turns=turns_of(example.messages),
        group=example.group,
        scenario=example.scenario,
        locale=example.locale,
        source=example.source,
        licence=example.licence,
        hands_over=example.hands_over,
        split=example.split,
    )


def turns_of(messages: Iterable[ChatMessage]) -> tuple[Turn, ...]:
    return tuple(Turn(each["role"], each["content"]) for each in messages)  # type: ignore[arg-type]


def messages_of(turns: Iterable[Turn]) -> tuple[ChatMessage, ...]:
    return tuple({"role": each.role, "content": each.content} for each in turns)


def public_ids(dataset: Dataset, digests: Sequence[str]) -> list[uuid.UUID]:
    """Ids for new examples: the same data makes the same ones everywhere, and so the same
    versions. What was corrected keeps the id of what it was: then it is another one. One query."""
    wanted = [uuid.uuid5(_NAMESPACE, f"{dataset.slug} {each}") for each in digests]
    taken = set(Example.objects.filter(public_id__in=wanted).values_list("public_id", flat=True))
    return [uuid.uuid4() if each in taken else each for each in wanted]


class _Desk:
    """Where rows become drafts."""

    def __init__(self, bot: Bot, defaults: Defaults) -> None:
        self._screen = screen_of(bot)
        self._defaults = defaults
        answers = CuratedAnswer.objects.filter(bot=bot).values_list("locale", "text", "key")
        self._keys = {(locale, normalized(text)): key for locale, text, key in answers}

    def draft(self, entry: Entry) -> Draft | Problem:
        screened = self._screen.conversation(messages_of(entry.turns))
        if screened.blocked:
            categories = ", ".join(screened.blocked)
            text = _("The policy for training data does not let this pass: %s.") % categories
            return Problem(entry.line, text)
        turns = turns_of(screened.messages)
        locale = entry.locale or self._defaults.locale or _language(turns)
        kept = replace(
            entry,
            turns=turns,
            locale=locale,
            scenario=scenario_of(entry.scenario),
            group="" if entry.hands_over else entry.group or self._group(locale, entry, turns),
            source=entry.source or self._defaults.source,
            licence=entry.licence or self._defaults.licence,
        )
        return Draft(kept, digest(screened.messages, locale), tuple(screened.replaced.elements()))

    def _group(self, locale: str, entry: Entry, kept: Sequence[Turn]) -> str:
        """Examples with the same answer are of one group: the approved answer's, if it is one."""
        known = self._keys.get((locale, normalized(entry.turns[-1].content)))
        answer = normalized(kept[-1].content)
        return known or f"answer-{hashlib.sha256(answer.encode()).hexdigest()[:12]}"


def scenario_of(name: str) -> Scenario:
    """What a file calls a scenario; what is not known is ``other``."""
    if name in Scenario.values:
        return Scenario(name)
    return _SCENARIOS.get(name, Scenario.OTHER)


def _language(turns: Sequence[Turn]) -> str:
    """That of the question, else of the answer."""
    return language(turns[-2].content, language(turns[-1].content, "en"))


def _digests(dataset: Dataset | None) -> set[str]:
    if dataset is None or dataset.pk is None:
        return set()
    return set(dataset.examples.values_list("digest", flat=True))
