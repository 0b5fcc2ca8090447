"""A model goes live, or an earlier one comes back: who may, when, and what is kept of it.

Promoting takes the permission, another person than the one who started the run, and all gates
open. A closed gate is passed by two people: one who asks and says why, and another who agrees. Going
back needs no gate: what served before was let in once, and is wanted now.
"""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from chat.access import bots_of
from chat.inference import artifacts
from chat.inference.artifacts import ArtifactError
from chat.inference.opening import FILE_ENGINES
from chat.models import Bot, Deployment
from chat.selectors import active_deployments, deployments_before, has_served
from chat.services import deploying
from chat.services.deploying import Model, Outdated
from moderation.actors import Actor
from moderation.findings import Action, Direction
from moderation.services import audit
from moderation.services.screening import screen
from training.evaluation.gates import Gate
from training.models import ModelVersion, OverrideRequest, Promotion
from training.services import aliases, gating

SHORTEST_REASON = 10
LONGEST_REASON = 500


class Refused(Exception):
    """It may not be done; the text says why, for people. ``code`` is for programs."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class GatesClosed(Refused):
    """At least one gate is closed; ``gates`` are those."""

    def __init__(self, gates: tuple[Gate, ...]) -> None:
        super().__init__("gates", gettext("The gates are not all open: look at what is missing."))
        self.gates = gates


@dataclass(frozen=True, slots=True)
class Decision:
    """Who wants what served, and what was known when they decided."""

    kind: Promotion.Kind
    by: User
    version: ModelVersion | None
    gates: tuple[Gate, ...] = ()
    second: User | None = None
    reason: str = ""


def promote(
    version: ModelVersion,
    bot: Bot,
    by: User,
    *,
    override_reason: str | None = None,
    second: User | None = None,
) -> Promotion:
    """Serve ``bot`` with ``version``. With a reason and a ``second`` person gates may be closed.

    Raises :class:`Refused`.
    """
    check_may_promote(version, bot, by)
    case = gating.examine(version, bot)
    reason = ""
    if case.closed:
        if second is None or override_reason is None:
            raise GatesClosed(case.closed)
        _check_second(version, bot, by, second)
        reason = checked_reason(override_reason)
    _check_files(version.artifact, version.manifest_sha256)
    model = Model(
        artifact=version.artifact,
        manifest_sha256=version.manifest_sha256,
        confidence=version.confidence,
    )
    decision = Decision(
        Promotion.Kind.PROMOTED, by, version, case.gates, second if reason else None, reason
    )
    return _put_into_service(bot, model, decision, replacing=case.deployment)


def roll_back(bot: Bot, by: User, *, to: Deployment | None = None) -> Promotion:
    """Serve ``bot`` with what an earlier deployment served; without ``to``, the one before.

    Raises :class:`Refused`.
    """
    if not by.has_perm("chat.roll_back_deployment") or not works_on(by, bot):
        raise Refused("forbidden", gettext("You may not roll back this bot."))
    serving = active_deployments().filter(bot=bot).first()
    if serving is None:
        raise Refused("nothing_serves", gettext("Nothing serves this bot."))
    to = deployments_before(serving).first() if to is None else to
    if to is None or to.bot_id != bot.pk or not has_served(to):
        raise Refused("nothing_before", gettext("Nothing else has served this bot before."))
    if (to.engine, to.artifact) == (serving.engine, serving.artifact):
        raise Refused("serves", gettext("This is what serves the bot now."))
    if to.artifact and to.engine in ("auto", *FILE_ENGINES):
        _check_files(to.artifact, to.manifest_sha256)
    version = ModelVersion.objects.filter(artifact=to.artifact).first() if to.artifact else None
    decision = Decision(Promotion.Kind.ROLLED_BACK, by, version)
    return _put_into_service(bot, deploying.model_of(to), decision, replacing=serving)


def check_may_promote(version: ModelVersion, bot: Bot, by: User) -> None:
    """Whether this person may promote this model, whatever its gates. Raises :class:`Refused`."""
    if not by.has_perm("training.promote_modelversion") or not works_on(by, bot):
        raise Refused("forbidden", gettext("You may not promote models of this bot."))
    if not _is_of(version, bot):
        raise Refused("foreign", gettext("This model was trained for another bot."))
    if _started(version, by):
        raise Refused(
            "own_run", gettext("You started the training of this model: another person decides.")
        )
    serving = active_deployments().filter(bot=bot).first()
    if serving is not None and serving.artifact == version.artifact:
        raise Refused("serves", gettext("This is what serves the bot now."))


def request_override(version: ModelVersion, bot: Bot, by: User, *, reason: str) -> OverrideRequest:
    """Ask another person to agree to a candidate whose gates are not all open.

    Raises :class:`Refused`.
    """
    check_may_promote(version, bot, by)
    reason = checked_reason(reason)
    champion = active_deployments().filter(bot=bot).first()
    try:
        with transaction.atomic():
            # What was asked against another champion is void.
            _open_requests(version, bot).exclude(champion=champion).update(ended_at=timezone.now())
            request = OverrideRequest.objects.create(
                bot=bot, model_version=version, champion=champion, reason=reason, asked_by=by
            )
            audit.record(
                "gate.override_requested",
                target=_target(version),
                bot=bot.slug,
                facts={"request": str(request.public_id)},
                by=Actor.of(by),
            )
    except IntegrityError:
        raise Refused("asked", gettext("Somebody has asked for this already.")) from None
    return request


def open_request(version: ModelVersion, bot: Bot) -> OverrideRequest | None:
    """What a second person may agree to now."""
    champion = active_deployments().filter(bot=bot).first()
    found = _open_requests(version, bot).filter(champion=champion)
    return found.select_related("asked_by").first()


def confirm_override(request: OverrideRequest, second: User) -> Promotion:
    """The second person agrees: the model is promoted by both. Raises :class:`Refused`."""
    with transaction.atomic():
        held = OverrideRequest.objects.select_for_update().get(pk=request.pk)
        if held.ended_at is not None:
            raise Refused("ended", gettext("This request has ended."))
        if open_request(held.model_version, held.bot) != held:
            raise Refused("outdated", _outdated())
        promotion = promote(
            held.model_version,
            held.bot,
            held.asked_by,
            override_reason=held.reason,
            second=second,
        )
        held.ended_at = timezone.now()
        held.save(update_fields=["ended_at"])
    return promotion


def withdraw_override(request: OverrideRequest, by: User) -> None:
    """Whoever asked, or could agree, does not want it any more. Raises :class:`Refused`."""
    may = request.asked_by_id == by.pk or by.has_perm("training.override_gate")
    if not may or not works_on(by, request.bot):
        raise Refused("forbidden", gettext("You may not promote models of this bot."))
    with transaction.atomic():
        ended = OverrideRequest.objects.filter(pk=request.pk, ended_at=None)
        if not ended.update(ended_at=timezone.now()):
            raise Refused("ended", gettext("This request has ended."))
        audit.record(
            "gate.override_withdrawn",
            target=_target(request.model_version),
            bot=request.bot.slug,
            facts={"request": str(request.public_id)},
            by=Actor.of(by),
        )


def _put_into_service(
    bot: Bot, model: Model, decision: Decision, *, replacing: Deployment | None
) -> Promotion:
    try:
        with transaction.atomic():
            deployment = deploying.deploy(bot, model, replacing=replacing, by=decision.by)
            aliases.crown(bot, decision.version)
            promotion = Promotion.objects.create(
                bot=bot,
                kind=decision.kind,
                deployment=deployment,
                before=replacing,
                model_version=decision.version,
                gates=[each.as_json() for each in decision.gates],
                override_reason=decision.reason,
                by=decision.by,
                second=decision.second,
            )
            _record(promotion, decision)
    except Outdated:
        raise Refused("outdated", _outdated()) from None
    return promotion


def _record(promotion: Promotion, decision: Decision) -> None:
    before, after = promotion.before, promotion.deployment
    version = decision.version
    audit.record(
        f"model.{promotion.kind}",
        target=_target(version) if version else f"deployment:{after.pk}",
        bot=promotion.bot.slug,
        facts={
            "promotion": str(promotion.public_id),
            "before": {"version": before.version, "artifact": before.artifact} if before else None,
            "after": {"version": after.version, "artifact": after.artifact},
            "manifest_sha256": after.manifest_sha256,
            "closed_gates": [each.name for each in decision.gates if not each.is_open],
            "second": decision.second.pk if decision.second else None,
        },
        by=Actor.of(decision.by),
    )


def _outdated() -> str:
    return gettext("Something else serves this bot by now: look again before you decide.")


def _check_second(version: ModelVersion, bot: Bot, by: User, second: User) -> None:
    if not second.has_perm("training.override_gate") or not works_on(second, bot):
        raise Refused("forbidden", gettext("You may not agree to closed gates of this bot."))
    if second.pk == by.pk:
        raise Refused("same_person", gettext("The second person has to be another one."))
    if _started(version, second):
        raise Refused(
            "own_run", gettext("You started the training of this model: another person decides.")
        )


def checked_reason(text: str) -> str:
    """Why somebody decided something, as it may be stored. Raises :class:`Refused`."""
    text = " ".join(text.split())
    if not SHORTEST_REASON <= len(text) <= LONGEST_REASON:
        raise Refused("reason", gettext("Say why, in 10 to 500 characters."))
    verdict = screen(text, Direction.INBOUND, scope="promotion")
    if verdict.action is Action.BLOCK:
        raise Refused("reason", gettext("These words may not be stored. Please say it otherwise."))
    return verdict.text[:LONGEST_REASON]


def _check_files(artifact: str, manifest_sha256: str) -> None:
    """Every file, before anything points to it: runners would refuse it one by one."""
    try:
        artifacts.verify(
            settings.MODELS_DIR / "serving" / artifact, manifest_sha256=manifest_sha256
        )
    except ArtifactError as error:
        raise Refused(
            "files", gettext("The files of this model are not whole: %s") % error
        ) from None


def works_on(user: User, bot: Bot) -> bool:
    return bots_of(user).filter(pk=bot.pk).exists()


def _is_of(version: ModelVersion, bot: Bot) -> bool:
    return version.run.bot_id == bot.pk if version.run else version.name == bot.slug[:50]


def _started(version: ModelVersion, user: User) -> bool:
    return version.run is not None and version.run.created_by_id == user.pk


def _target(version: ModelVersion) -> str:
    return f"model_version:{version.public_id}"


def _open_requests(version: ModelVersion, bot: Bot) -> QuerySet[OverrideRequest]:
    return OverrideRequest.objects.filter(model_version=version, bot=bot, ended_at=None)
