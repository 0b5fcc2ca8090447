"""Examples one by one: written, corrected, approved, rejected."""

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from moderation.actors import named
from moderation.services import audit
from training.formats import RowRefused, Turn, conversation
from training.frozen import digest
from training.models import Dataset, Example
from training.screening import Screen
from training.services.importing import FAULTS, messages_of, public_ids, screen_of, turns_of

_DECISIONS = {
    Example.Status.APPROVED: "example.approved",
    Example.Status.REJECTED: "example.rejected",
    Example.Status.DRAFT: "example.reopened",
}


class InvalidExample(ValueError):
    """It cannot be kept as it is; the text says why, to a person."""


def kept(dataset: Dataset, turns: Iterable[Turn], *, screen: Screen | None = None) -> list[Turn]:
    """The turns as they may be kept: merged and masked. Raises :class:`InvalidExample`."""
    try:
        these = conversation(turns)
    except RowRefused as error:
        raise InvalidExample(str(FAULTS[error.fault])) from None
    screened = (screen or screen_of(dataset.bot)).conversation(messages_of(these))
    if screened.blocked:
        raise InvalidExample(
            _("The policy for training data does not let this pass: %s.")
            % ", ".join(screened.blocked)
        )
    return list(turns_of(screened.messages))


def is_known(dataset: Dataset, turns: Iterable[Turn], locale: str, *, besides: Example) -> bool:
    """Whether the dataset holds the same conversation in another example."""
    return _others(dataset, digest(messages_of(turns), locale), besides=besides)


@transaction.atomic
def save(example: Example, turns: Iterable[Turn], *, author: User | None) -> Example:
    """Write an example, new or corrected, with these turns instead of its own.

    Whoever may approve has reviewed it as it then is; of anybody else it waits for approval. Raises :class:`InvalidExample`.
    """
    example.messages = list(messages_of(kept(example.dataset, turns)))
    example.digest = digest(example.messages, example.locale)
    if _others(example.dataset, example.digest, besides=example):
        raise InvalidExample(_("This dataset holds the same conversation already."))
    if example.hands_over:
        example.group = ""
    if not example.pk:
        example.public_id = public_ids(example.dataset, [example.digest])[0]
        example.author = author
    if author is not None and not author.has_perm("training.approve_example"):
        example.status = Example.Status.DRAFT
    is_open = example.status == Example.Status.DRAFT
    example.reviewer = None if is_open else author
    is_new = example.pk is None
    example.save()
    audit.record(
        "example.saved",
        target=f"example:{example.public_id}",
        bot=example.dataset.bot.slug,
        facts={"digest": example.digest, "status": example.status, "is_new": is_new},
        by=named(author),
    )
    return example


@transaction.atomic
def decide(examples: Iterable[Example], status: Example.Status, *, reviewer: User | None) -> int:
    """Approve, reject or reopen; returns how many were not so before.

    Nobody approves what they wrote: those stay as they are.
    """
    changed = [
        each
        for each in examples
        if each.status != status and not _approves_own(each, status, reviewer)
    ]
    Example.objects.filter(pk__in=[each.pk for each in changed]).update(
        status=status, reviewer=None if status is Example.Status.DRAFT else reviewer
    )
    for each in changed:
        audit.record(
            _DECISIONS[status],
            target=f"example:{each.public_id}",
            bot=each.dataset.bot.slug,
            by=named(reviewer),
        )
    return len(changed)


def _approves_own(example: Example, status: Example.Status, reviewer: User | None) -> bool:
    is_own = reviewer is not None and example.author_id == reviewer.pk
    return is_own and status is Example.Status.APPROVED


def _others(dataset: Dataset, digest: str, *, besides: Example) -> bool:
    same = Example.objects.filter(dataset=dataset, digest=digest)
    return same.exclude(pk=besides.pk).exists()
