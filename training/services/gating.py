"""What is known of a candidate and of what serves, and which gates that opens."""

from dataclasses import dataclass
from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from kombu.exceptions import OperationalError

from chat.inference.artifacts import ArtifactError
from chat.inference.engine import EngineError
from chat.knowledge.embedding import EmbeddingError, has_learned
from chat.models import Bot, Deployment
from chat.selectors import active_deployments
from training.evaluation.gates import Answer, Candidate, Gate, Limits, Measured, judge
from training.frozen import DatasetDamaged
from training.models import DatasetVersion, Evaluation, GatePolicy, ModelVersion
from training.services import evaluating, responders, signatures, suites
from training.services.evaluating import Advance, Outdated, Scope, Subject
from training.services.freezing import rows_of
from training.trainer.recipe import CHOOSING

TASK = "training.tasks.evaluate_champion"
LOOKED_AT = 20
"""Evaluations by hand ask a part of the questions; so many of them may lie before a whole one."""
GIVEN_UP_AFTER = timedelta(hours=2)
"""Asking takes minutes, a second for each question. Of a process that was killed the evaluation runs
for ever: after so long nobody waits for it any more."""


class NotMeasured(Exception):
    """The champion cannot be evaluated; the text says why and is safe to show."""


@dataclass(frozen=True, slots=True)
class Case:
    """One candidate before its gates. ``deployment`` is what serves now, ``champion`` its
    evaluation on the candidate's dataset version; both None where there is none."""

    version: ModelVersion
    bot: Bot
    deployment: Deployment | None
    candidate: Evaluation | None
    champion: Evaluation | None
    gates: tuple[Gate, ...]

    @property
    def closed(self) -> tuple[Gate, ...]:
        return tuple(each for each in self.gates if not each.is_open)


def examine(version: ModelVersion, bot: Bot) -> Case:
    """The gates of a candidate as things are now. Writes nothing."""
    deployment = active_deployments().filter(bot=bot).first()
    candidate = _whole(version.evaluations.all(), bot)
    champion = candidate and champion_evaluation(
        deployment, candidate.dataset_version, _embedder(candidate)
    )
    gates = judge(
        limits_of(bot),
        Candidate(
            measured=_measured(candidate),
            parity=version.parity,
            writes=_writes(version),
            has_canaries=_has_canaries(version),
            is_signed=signatures.is_genuine(version),
        ),
        _measured(champion),
    )
    return Case(version, bot, deployment, candidate, champion, gates)


def limits_of(bot: Bot) -> Limits:
    """Those that somebody chose for the bot, else the defaults."""
    policy = GatePolicy.objects.filter(bot=bot).first()
    return policy.limits if policy else Limits()


def champion_evaluation(
    deployment: Deployment | None, dataset_version: DatasetVersion, embedder: str
) -> Evaluation | None:
    """The newest whole evaluation of what serves, on that dataset version, searched as it is
    served. ``embedder`` is what the candidate was searched with.

    An encoder that finds more makes every model better: neither may have been measured with one that
    the installation has no more. Without a name any counts.
    """
    if deployment is None or not deployment.artifact:
        return None
    found = Evaluation.objects.filter(artifact=deployment.artifact, dataset_version=dataset_version)
    bot = dataset_version.dataset.bot
    if not embedder:
        return _whole(found, bot)
    return _whole(found, bot, is_as_served=True) if _is_in_use(embedder) else None


def evaluation_in_progress(case: Case) -> Evaluation | None:
    """Somebody has asked for the champion's evaluation a while ago, and it is not there yet."""
    if case.candidate is None or case.deployment is None:
        return None
    return Evaluation.objects.filter(
        artifact=case.deployment.artifact,
        dataset_version=case.candidate.dataset_version,
        status=Evaluation.Status.RUNNING,
        created_at__gt=timezone.now() - GIVEN_UP_AFTER,
    ).first()


def order_champion(case: Case) -> None:
    """Have the trainer evaluate what serves on the candidate's dataset version.

    Raises :class:`NotMeasured`.
    """
    artifact, dataset_version = _wanted(case)
    facts = {"artifact": artifact, "dataset_version_id": dataset_version.pk}
    try:
        current_app.send_task(TASK, kwargs=facts, retry=False)
    except (OperationalError, OSError) as error:
        raise NotMeasured(gettext("No trainer can be reached at the moment.")) from error


def measure_champion(case: Case, advance: Advance = lambda done, total: None) -> Evaluation:
    """Evaluate what serves, now and here. Raises :class:`NotMeasured`."""
    artifact, dataset_version = _wanted(case)
    found = evaluate_artifact(artifact, dataset_version, advance)
    if case.candidate and _embedder(case.candidate) and not _is_in_use(_embedder(case.candidate)):
        raise NotMeasured(
            "The search finds with another encoder than when the candidate was evaluated: "
            "evaluate the candidate again."
        )
    return found


def evaluate_artifact(
    artifact: str, dataset_version: DatasetVersion, advance: Advance = lambda done, total: None
) -> Evaluation:
    """All held-out questions and the attacks, as it is served. A second call finds the first's,
    unless the search has got another encoder meanwhile.

    Raises :class:`NotMeasured`.
    """
    bot = dataset_version.dataset.bot
    asked = Evaluation.objects.filter(artifact=artifact, dataset_version=dataset_version)
    version = ModelVersion.objects.filter(artifact=artifact).first()
    place = settings.MODELS_DIR / "serving" / artifact
    try:
        if (known := _whole(asked, bot, is_as_served=True)) is not None:
            return known
        with responders.opening(bot, version=version)(place) as opened:
            return evaluating.evaluate(
                Subject(artifact, version),
                Scope(dataset_version, suites=suites.of_bot(bot)),
                opened.responder,
                embedder=opened.embedder,
                advance=advance,
            )
    except (ArtifactError, EngineError, EmbeddingError, DatasetDamaged, Outdated) as error:
        raise NotMeasured(str(error)) from error


def _wanted(case: Case) -> tuple[str, DatasetVersion]:
    if case.candidate is None:
        raise NotMeasured(gettext("The candidate itself was not evaluated yet."))
    if case.deployment is None or not case.deployment.artifact:
        raise NotMeasured(gettext("What serves this bot is no model of this installation."))
    return case.deployment.artifact, case.candidate.dataset_version


def _embedder(evaluation: Evaluation) -> str:
    """What was searched with; empty where an earlier csbot did not say."""
    return str(evaluation.figures.get("embedder", ""))


def _is_in_use(embedder: str) -> bool:
    """Whether a model that was searched with ``embedder`` would be today, too: it has brought it, or
    the installation has it."""
    try:
        return has_learned(embedder) or embedder == responders.embedder_in_use()
    except EmbeddingError:
        return False


def _whole(
    found: QuerySet[Evaluation], bot: Bot, *, is_as_served: bool = False
) -> Evaluation | None:
    """The newest that was asked everything of the bot's own questions; with what would be searched with
    today if it has to be ``is_as_served``."""
    finished = found.filter(
        status=Evaluation.Status.FINISHED, split="test", dataset_version__dataset__bot=bot
    ).select_related("dataset_version__dataset__bot", "model_version")
    return next(
        (
            each
            for each in finished.order_by("-id")[:LOOKED_AT]
            if each.figures.get("questions") == each.dataset_version.counts.get("test")
            and (not is_as_served or _is_in_use(_embedder(each)))
        ),
        None,
    )


def _measured(evaluation: Evaluation | None) -> Measured | None:
    if evaluation is None:
        return None
    answers = evaluation.answers.values_list("digest", "outcome", "hands_over")
    return Measured(
        {digest: Answer(outcome, hands_over) for digest, outcome, hands_over in answers},
        evaluation.figures,
        evaluation.suites,
    )


def _writes(version: ModelVersion) -> bool:
    """Whether it writes words; one that chooses approved answers has nothing else to say."""
    return version.run is None or version.run.recipe.get("data", {}).get("style") not in CHOOSING


def _has_canaries(version: ModelVersion) -> bool:
    """A dataset that cannot be read is taken to hold some: then the suite has to be there."""
    if version.run is None:
        return False
    try:
        return bool(suites.canaries_of(rows_of(version.run.dataset_version)))
    except DatasetDamaged:
        return True
