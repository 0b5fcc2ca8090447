"""What Celery does for training: it rings. The queue, the lease and the work are elsewhere.

A call is acknowledged before it is worked, so no broker gives it to a second trainer; one that
is lost with its worker is repeated by the schedule.
"""

import logging
from typing import Any

from celery import shared_task

from chat.knowledge.embedding import EmbeddingError
from chat.models import Bot
from training import supervisor
from training.models import DatasetVersion, Experiment, Increment
from training.services import erasing, measuring_requests, proposing, retention, search_vectors

logger = logging.getLogger(__name__)


@shared_task(acks_late=False)
def work_training_queue() -> None:
    """Work runs that wait for this machine. Called twice, it finds nothing to claim."""
    supervisor.work_queue()


@shared_task(acks_late=False)
def measure_plan(**facts: Any) -> None:
    """Measure what somebody thinks of training. A lost call is asked again by a person."""
    measuring_requests.answer(**facts)


@shared_task(acks_late=False)
def evaluate_champion(artifact: str, dataset_version_id: int) -> None:
    """Evaluate what serves where a candidate has to be compared with it. A lost call is asked
    again by a person."""
    # It loads engines, which processes that only ask never need.
    from training.services import gating

    version = DatasetVersion.objects.select_related("dataset__bot").get(pk=dataset_version_id)
    try:
        gating.evaluate_artifact(artifact, version)
    except gating.NotMeasured as error:
        logger.warning("%s was not evaluated: %s", artifact, error)


# By name in the queue of short tasks: a trainer is busy for hours.


@shared_task(name="experiments.take_looks")
def take_looks() -> None:
    """Look at the experiments under way, when their plan says so."""
    # It loads statistics, which no other task needs.
    from training.services import experimenting

    for experiment in Experiment.objects.filter(ended_at=None):
        experimenting.advance(experiment)


@shared_task(name="increments.go_on")
def go_on() -> None:
    """Propose the increments that are due, and take every step of the others that can be taken."""
    # They load engines, which no other task of this queue needs.
    from training.services import increment_schedule, increments

    for bot in Bot.objects.filter(is_active=True):
        increment_schedule.propose_due(bot)
    for increment in Increment.objects.filter(ended_at=None, bot__is_active=True):
        increments.advance(increment)


@shared_task(name="models.forget_unused_vectors")
def forget_unused_vectors() -> None:
    """Forget what searches have read that no model has any more."""
    search_vectors.forget_unused()


@shared_task(name="review.propose_examples")
def propose_examples() -> None:
    """Fill the review queues with what conversations taught."""
    for bot in Bot.objects.filter(is_active=True):
        try:
            proposing.propose(bot)
        except EmbeddingError as error:
            logger.warning("nothing was proposed for %s: %s", bot.slug, error)


@shared_task(name="privacy.apply_retention")
def apply_retention() -> None:
    """Erase conversations that were kept for as long as their bot says."""
    if counts := retention.apply():
        logger.info("retention erased %d conversations", counts["chat.conversation"])


@shared_task(name="privacy.finish_erasures")
def finish_erasures() -> None:
    """Go on where an erasure was interrupted, or had to wait for a training to stop."""
    for erasure in erasing.unfinished():
        erasing.finish(erasure)
