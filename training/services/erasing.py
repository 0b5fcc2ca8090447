"""A visitor is erased everywhere: rows at once, then files and caches, until nothing is left.

The rows go in one transaction, which leaves an :class:`~training.models.Erasure` that knows what
remains. :func:`finish` may be interrupted anywhere and called again: the schedule does so until
it is done. Only then is there a certificate.
"""

import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from chat.libraries import forget_vectors
from chat.models import Bot, Conversation, Visitor
from chat.services import erasing
from moderation.actors import Actor
from moderation.scrubbing import scrub
from moderation.services import audit
from moderation.services.originals import NotAllowed
from training import certificates, lineage, places, redacting
from training.lineage import Descendant
from training.models import (
    Correction,
    Dataset,
    DatasetVersion,
    Erasure,
    Example,
    FrozenExample,
    ReviewItem,
    TrainingRun,
    VotedCase,
)
from training.redacting import Origin
from training.services import runs, voted_cases

_AT_ONCE = 500

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AffectedVersion:
    """A dataset version and its rows that go, by split."""

    version: DatasetVersion
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Preview:
    """What :func:`erase` would erase now, and what it could not reach: models that learned."""

    visitor: Visitor
    counts: Mapping[str, int]
    versions: Sequence[AffectedVersion]
    models: Sequence[Descendant]
    running: Sequence[TrainingRun]


def preview(visitor: Visitor) -> Preview:
    """Look, and change nothing."""
    conversations = list(visitor.conversations.all())
    found = erasing.belongings(visitor.bot, conversations)
    examples, corrections = _made_of(conversations)
    counts = erasing.count(Visitor.objects.filter(pk=visitor.pk), found)
    counts += Counter(
        {
            "training.example": len(examples),
            "training.correction": len(corrections),
            "training.votedcase": len(voted_cases.of_conversations(conversations)),
        }
    )
    origin = Origin(found.scopes, frozenset(str(each.public_id) for each in examples))
    versions = [
        AffectedVersion(version, Counter(row.split for row in rows))
        for version, rows in redacting.rows_of(origin)
    ]
    pks = {each.version.pk for each in versions} | set(_frozen_in(examples))
    models = lineage.descendants(pks)
    worded = visitor.bot if counts["wordings"] else None
    if worded:
        models = lineage.with_wordings(worded, models)
    holding = lineage.runs_with(pks, wordings_of=worded)
    working = [each for each in holding if each.status == TrainingRun.Status.RUNNING]
    return Preview(visitor, +counts, versions, models, working)


def erase(
    visitor: Visitor, *, by: User | None, reason: Erasure.Reason, reference: str = ""
) -> Erasure:
    """Erase a visitor. What cannot be finished at once is finished by the schedule.

    ``by`` is None for commands. Raises :class:`NotAllowed`, and ``Visitor.DoesNotExist`` when
    somebody else was faster.
    """
    if by is not None and not by.has_perm("chat.erase_visitor"):
        raise NotAllowed
    with transaction.atomic():
        # A visitor who writes at this moment waits for this, and finds nobody.
        current = Visitor.objects.select_for_update().get(pk=visitor.pk)
        conversations = list(current.conversations.select_for_update().order_by("pk"))
        erasure = Erasure(
            visitor=current.public_id,
            bot=current.bot,
            reason=reason,
            reference=reference,
            created_by=by,
            commitments=_commitments(current, conversations),
        )
        _begin(
            erasure,
            current.bot,
            conversations,
            rows=Visitor.objects.filter(pk=current.pk),
            visitors=[current.pk],
            is_example_erased=True,
        )
    finish(erasure)
    return erasure


def erase_conversations(bot: Bot, conversations: QuerySet[Conversation]) -> Erasure:
    """Erase old conversations of ``bot`` with their corrections and voted answers, and examples
    made of them where its rule says so.

    In the caller's transaction; call :func:`finish` after it.
    """
    listed = list(conversations.select_for_update().order_by("pk"))
    erasure = Erasure(bot=bot, reason=Erasure.Reason.RETENTION)
    _begin(
        erasure,
        bot,
        listed,
        rows=Conversation.objects.filter(pk__in=[each.pk for each in listed]),
        visitors=(),
        is_example_erased=bot.retention_covers_examples,
    )
    return erasure


def unfinished() -> QuerySet[Erasure]:
    return Erasure.objects.filter(finished_at=None).order_by("pk")


def finish(erasure: Erasure) -> bool:
    """Do what remains: frozen files, folders of runs, caches. True when nothing is left.

    May be called again at any time.
    """
    if erasure.finished_at is not None:
        return True
    left = erasure.leftovers
    origin = Origin.from_json(left["origin"])
    _redact(erasure, origin)
    redacting.sweep(origin)
    is_done = _clear_runs(erasure)
    is_done &= erasing.forget(left["bot"], left["messages"], left["visitors"])
    if is_done:
        _conclude(erasure)
    scrub()
    return is_done


def _begin(
    erasure: Erasure,
    bot: Bot,
    conversations: Sequence[Conversation],
    *,
    rows: QuerySet[Any],
    visitors: Collection[int],
    is_example_erased: bool,
) -> None:
    """Delete the rows, and keep a note of what has to follow."""
    found = erasing.belongings(bot, conversations)
    made, corrections = _made_of(conversations)
    examples = made if is_example_erased else []
    # Corrections and these quote the conversation: once it is gone, nobody finds it in them.
    voted = voted_cases.of_conversations(conversations)
    origin = Origin(
        found.scopes if is_example_erased else frozenset(),
        frozenset(str(each.public_id) for each in examples),
    )
    _hold_datasets(examples)
    frozen_in = _frozen_in(examples)
    for some in _parts(examples):
        redacting.forget_digests(FrozenExample.objects.filter(example__in=some))
        Example.objects.filter(pk__in=[each.pk for each in some]).delete()
    Correction.objects.filter(pk__in=[each.pk for each in corrections]).delete()
    VotedCase.objects.filter(pk__in=[each.pk for each in voted]).delete()
    forget_vectors({each.question for each in examples})
    forget_vectors({each.question for each in _proposals(conversations)})
    _unname_clusters(conversations)
    counts = erasing.erase(rows, found, with_wordings=is_example_erased)
    counts += Counter(
        {
            "training.example": len(examples),
            "training.correction": len(corrections),
            "training.votedcase": len(voted),
        }
    )
    erasure.counts = dict(+counts)
    erasure.leftovers = {
        "origin": origin.to_json(),
        "frozen_in": frozen_in,
        "runs": [],
        "bot": bot.pk,
        "messages": list(found.messages),
        "visitors": list(visitors),
    }
    erasure.save()
    audit.record(
        "visitor.erasure_begun" if erasure.visitor else "retention.applied",
        target=f"erasure:{erasure.public_id}",
        bot=bot.slug,
        facts={"reason": erasure.reason, "counts": erasure.counts},
        by=Actor.of(erasure.created_by) if erasure.visitor else None,
    )


def _made_of(conversations: Iterable[Conversation]) -> tuple[list[Example], list[Correction]]:
    """Training data that stems from the conversations."""
    examples: dict[int, Example] = {}
    corrections: list[Correction] = []
    for some in _parts(list(conversations)):
        of_these = Correction.objects.filter(message__conversation__in=some)
        corrections += of_these.select_related("example")
        made = Example.objects.filter(
            Q(conversation__in=some) | Q(review_items__conversation__in=some)
        )
        examples |= {each.pk: each for each in made.distinct()}
    examples |= {each.example.pk: each.example for each in corrections if each.example}
    return list(examples.values()), corrections


def _proposals(conversations: Sequence[Conversation]) -> Iterator[ReviewItem]:
    """Theirs: the questions were looked up in masked words, which no message has."""
    for some in _parts(conversations):
        yield from ReviewItem.objects.filter(conversation__in=some)


def _unname_clusters(conversations: Sequence[Conversation]) -> None:
    """A group of proposals is named for what was asked first: a random name stands in its place."""
    named = {
        cluster
        for some in _parts(conversations)
        for cluster in ReviewItem.objects.filter(conversation__in=some).values_list(
            "cluster", flat=True
        )
    }
    for cluster in named:
        ReviewItem.objects.filter(cluster=cluster).update(cluster=uuid4().hex)


def _hold_datasets(examples: Sequence[Example]) -> None:
    """Whoever freezes them is done before, or finds them gone."""
    pks = {each.dataset_id for each in examples}
    list(Dataset.objects.select_for_update().filter(pk__in=pks).order_by("pk"))


def _frozen_in(examples: Sequence[Example]) -> list[int]:
    """The dataset versions that hold them."""
    return sorted(
        {
            version
            for some in _parts(examples)
            for version in FrozenExample.objects.filter(example__in=some).values_list(
                "version", flat=True
            )
        }
    )


def _redact(erasure: Erasure, origin: Origin) -> None:
    for version, _rows in redacting.rows_of(origin):
        while True:
            prepared = redacting.prepare(version, origin)
            try:
                with transaction.atomic():
                    redaction = redacting.apply(prepared)
                    entry = {"id": version.pk, "version": str(version), **redaction}
                    erasure.versions = [*erasure.versions, entry]
                    erasure.save(update_fields=["versions"])
                break
            except redacting.Changed:
                version.refresh_from_db()


def _clear_runs(erasure: Erasure) -> bool:
    """Remove the work folders that hold rows or wordings; a run in progress is stopped first. The
    models that came of others stay: their folders are elsewhere."""
    is_done = True
    for run in lineage.runs_with(_versions(erasure), wordings_of=_worded(erasure)):
        if run.pk in erasure.leftovers["runs"]:
            continue
        if run.status == TrainingRun.Status.RUNNING:
            is_done = False
            if not run.cancel_requested:
                runs.request_cancel(run)
            continue
        shutil.rmtree(places.run_folder(run), ignore_errors=True)
        erasure.leftovers["runs"].append(run.pk)
    erasure.save(update_fields=["leftovers"])
    return is_done


@transaction.atomic
def _conclude(erasure: Erasure) -> None:
    versions = _versions(erasure)
    models = lineage.descendants(versions)
    if worded := _worded(erasure):
        models = lineage.with_wordings(worded, models)
    erasure.trained = [each.to_json() for each in models]
    erasure.leftovers = {}
    erasure.finished_at = timezone.now()
    erasure.save()
    if erasure.visitor is not None:
        audit.record(
            "visitor.erased",
            target=f"erasure:{erasure.public_id}",
            bot=erasure.bot.slug if erasure.bot else "",
            facts=certificates.facts(erasure),
            by=Actor.of(erasure.created_by),
        )


def _versions(erasure: Erasure) -> set[int]:
    return {each["id"] for each in erasure.versions} | set(erasure.leftovers.get("frozen_in", ()))


def _worded(erasure: Erasure) -> Bot | None:
    """The bot, if approved answers of it lost wordings."""
    return erasure.bot if erasure.counts.get("wordings") else None


def _commitments(visitor: Visitor, conversations: Iterable[Conversation]) -> dict[str, Any]:
    """Whoever knows an id finds it here; whoever does not learns nothing."""
    ids = [f"visitor:{visitor.public_id}"]
    ids += [f"conversation:{each.public_id}" for each in conversations]
    return certificates.commitments(ids)


def _parts(values: Sequence[T]) -> list[Sequence[T]]:
    return [values[at : at + _AT_ONCE] for at in range(0, len(values), _AT_ONCE)]
