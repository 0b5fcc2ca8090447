"""From a dataset to knowledge: what was reviewed there, a bot may say from now on."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from chat.knowledge.questions import normalized
from chat.models import Bot, CuratedAnswer
from chat.services import knowledge
from chat.services.knowledge import Draft
from training.frozen import FrozenRow
from training.models import DatasetVersion
from training.services import freezing

_KEPT = ("text", "topic", "is_active", "owner", "valid_from", "valid_until")
MOST_WORDINGS = 40
"""Of one answer: more of them cost memory and find nothing new."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a bot would learn to say: drafts by language. ``new`` of them are answers that it does
    not know, the others get new wordings; ``wordings`` are those of both."""

    drafts: Mapping[str, Sequence[Draft]]
    new: int
    changed: int
    wordings: int


def plan(version: DatasetVersion) -> Lesson:
    """What :func:`teach` would do. Raises ``DatasetDamaged``."""
    by_group: dict[tuple[str, str], list[FrozenRow]] = defaultdict(list)
    for row in freezing.rows_of(version):
        # As answers are named: a group may be called anything.
        key = knowledge.key_of(row.group)
        if row.split == "train" and key and not row.hands_over and not row.is_dialogue:
            by_group[row.locale, key].append(row)
    drafts: dict[str, list[Draft]] = defaultdict(list)
    new = changed = wordings = 0
    for locale in sorted({locale for locale, _ in by_group}):
        answers = CuratedAnswer.objects.filter(bot=version.dataset.bot, locale=locale)
        known = {each.key: each for each in answers.prefetch_related("variants")}
        # A question with two answers is nobody's: neither could be served.
        taken = {
            variant.normalized: answer.key
            for answer in known.values()
            for variant in answer.variants.all()
        }
        for (its_locale, key), rows in by_group.items():
            if its_locale != locale:
                continue
            answer = known.get(key)
            if draft := _draft(key, rows, answer, taken):
                drafts[locale].append(draft)
                new += answer is None
                changed += answer is not None
                wordings += len(draft.questions) - (len(answer.variants.all()) if answer else 0)
    return Lesson(drafts, new, changed, wordings)


@transaction.atomic
def teach(version: DatasetVersion, *, author: User | None) -> tuple[int, int]:
    """Give the bot of a dataset the answers and wordings of the split ``train``.

    An answer group that the bot does not know becomes a curated answer; one that it knows gets
    the wordings that are new. Questions of other splits stay unseen. Returns how many answers
    are new and how many changed. All is learned or nothing. Raises ``InvalidAnswer`` and ``DatasetDamaged``.
    """
    new = changed = 0
    # Who teaches at the same moment waits, and finds that it is known.
    Bot.objects.select_for_update().get(pk=version.dataset.bot_id)
    for locale, drafts in plan(version).drafts.items():
        made = knowledge.save_all(version.dataset.bot, locale, drafts, author=author)
        new, changed = new + made[0], changed + made[1]
    return new, changed


def _draft(
    key: str, rows: list[FrozenRow], known: CuratedAnswer | None, taken: dict[str, str]
) -> Draft | None:
    """The answer with its new wordings; None when there is nothing new."""
    questions = [each.text for each in known.variants.all()] if known else []
    before = len(questions)
    for row in rows:
        asked = normalized(row.question)
        if asked and len(questions) < MOST_WORDINGS and taken.setdefault(asked, key) == key:
            questions.append(row.question)
    questions = list({normalized(each): each for each in reversed(questions)}.values())[::-1]
    if (len(questions) <= before and known) or not questions:
        return None
    if known is None:
        return Draft(tuple(questions), rows[0].answer, key=key, topic=rows[0].scenario)
    # What somebody has taken out of service, or lets end, stays so.
    kept = {field: getattr(known, field) for field in _KEPT}
    return Draft(questions=tuple(questions), key=key, **kept)
