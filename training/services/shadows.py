"""Shadow mode: begun by those who may promote, judged by people who do not see which is which."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from chat.analytics.figures import percentile
from chat.models import Bot, Message, Shadow, ShadowAnswer
from chat.services import shadow_answers, shadowing
from chat.services.deploying import Model, Outdated
from chat.services.shadowing import AlreadyShadowed, Sample
from moderation.actors import named
from moderation.services import audit
from training.models import ModelVersion, ShadowVote
from training.services import gating, voted_cases
from training.services.promoting import GatesClosed, Refused, check_may_promote, works_on

Choice = ShadowVote.Choice


@dataclass(frozen=True, slots=True)
class Counts:
    """``latency`` and ``live_latency`` are P50 and P95 in seconds of the answers that models wrote for
    the same questions; None without any. ``left`` are differing ones that nobody has voted on."""

    asked: int
    same: int
    different: int
    failed: int
    waiting: int
    left: int
    latency: tuple[float, float] | None
    live_latency: tuple[float, float] | None


def start(version: ModelVersion, bot: Bot, by: User, sample: Sample) -> Shadow:
    """Let ``version`` answer a sample of the bot's questions, seen by no customer.

    The same people may who may start an experiment, by the same rules. Raises
    :class:`~training.services.promoting.Refused`.
    """
    check_may_promote(version, bot, by)
    case = gating.examine(version, bot)
    if case.closed:
        raise GatesClosed(case.closed)
    if case.deployment is None:
        raise Refused("nothing_serves", gettext("Nothing serves this bot."))
    model = Model(
        artifact=version.artifact,
        manifest_sha256=version.manifest_sha256,
        confidence=version.confidence,
    )
    try:
        return shadowing.begin(bot, model, sample, beside=case.deployment, by=by)
    except AlreadyShadowed:
        raise Refused(
            "already", gettext("Another model answers in the shadow of this bot.")
        ) from None
    except Outdated:
        raise Refused("outdated", gettext("Something else serves this bot by now.")) from None


def stop(shadow: Shadow, by: User) -> bool:
    """Nothing more is answered. False if it had ended. Raises :class:`Refused`."""
    if not by.has_perm("training.promote_modelversion") or not works_on(by, shadow.bot):
        raise Refused("forbidden", gettext("You may not stop this."))
    return shadow_answers.end(shadow, Shadow.Reason.STOPPED, by=by)


@transaction.atomic
def vote(answer: ShadowAnswer, choice: Choice, by: User) -> ShadowVote:
    """Say which of the two answers is right. Raises :class:`Refused`.

    What those who voted agree on is asked of every model from then on (:mod:`training.services.voted_cases`).
    """
    if not by.has_perm("training.add_shadowvote") or not works_on(by, answer.shadow.bot):
        raise Refused("forbidden", gettext("You may not vote on answers of this bot."))
    if answer.same_meaning is not False:
        raise Refused("same", gettext("There is nothing to choose: both say the same."))
    try:
        with transaction.atomic():
            made = ShadowVote.objects.create(
                shadow=answer.shadow, answer=answer, choice=choice, voter=by
            )
    except IntegrityError:
        raise Refused("voted", gettext("You have voted on this pair already.")) from None
    case = voted_cases.settle(answer)
    audit.record(
        "shadow.voted",
        target=f"shadow_answer:{answer.public_id}",
        bot=answer.shadow.bot.slug,
        facts={
            "shadow": str(answer.shadow.public_id),
            "choice": str(choice),
            "case": str(case.public_id) if case else None,
        },
        by=named(by),
    )
    return made


def is_candidate_left(answer: ShadowAnswer, voter: User) -> bool:
    """On which side this person sees the candidate: by chance, and always the same."""
    seed = answer.public_id.bytes + str(voter.pk).encode()
    return hashlib.sha256(seed).digest()[0] % 2 == 0


def differing(shadow: Shadow) -> QuerySet[ShadowAnswer]:
    """What people have to look at, oldest first."""
    return shadow.answers.filter(same_meaning=False).order_by("id")


def next_for(shadow: Shadow, voter: User) -> ShadowAnswer | None:
    """The next pair that this person has not voted on; those that nobody has voted on come first."""
    open_ = _open_for(shadow, voter).select_related(
        "shadow__bot", "message__conversation", "message__reply_to"
    )
    return open_.filter(votes=None).first() or open_.first()


def left_for(shadow: Shadow, voter: User) -> int:
    """How many pairs this person has not voted on."""
    return _open_for(shadow, voter).count()


def counts(shadow: Shadow) -> Counts:
    by_state: Counter[Any] = Counter(shadow.answers.values_list("status", "same_meaning"))
    answered = by_state["answered", True] + by_state["answered", False]
    failed = by_state["failed", None]
    rows = shadow.answers.filter(
        status=ShadowAnswer.Status.ANSWERED,
        source=Message.Source.MODEL,
        message__source=Message.Source.MODEL,
    ).values_list("latency", "message__timings")
    pairs = [(took or 0.0, timings["answer"]) for took, timings in rows if "answer" in timings]
    return Counts(
        asked=answered + failed,
        same=by_state["answered", True],
        different=by_state["answered", False],
        failed=failed,
        waiting=by_state["pending", None] + by_state["writing", None],
        left=differing(shadow).filter(votes=None).count(),
        latency=_percentiles([took for took, _ in pairs]),
        live_latency=_percentiles([took for _, took in pairs]),
    )


def votes_of(shadow: Shadow) -> list[list[str]]:
    """The choices of those who voted, by pair.

    Without votes on what was deleted: nobody knows any more which of them were on one pair.
    """
    pairs: dict[int, list[str]] = {}
    made = ShadowVote.objects.filter(shadow=shadow, answer__isnull=False).order_by("id")
    for answer, choice in made.values_list("answer", "choice"):
        pairs.setdefault(answer, []).append(choice)
    return list(pairs.values())


def version_of(shadow: Shadow) -> ModelVersion | None:
    """The candidate; None for a model that was removed."""
    return ModelVersion.objects.filter(artifact=shadow.candidate.artifact).first()


def _open_for(shadow: Shadow, voter: User) -> QuerySet[ShadowAnswer]:
    return differing(shadow).exclude(pk__in=ShadowVote.objects.filter(voter=voter).values("answer"))


def _percentiles(values: list[float]) -> tuple[float, float] | None:
    middle, slow = percentile(values, 0.5), percentile(values, 0.95)
    return None if middle is None or slow is None else (middle, slow)
