"""What Celery does for training: it rings. The queue, the lease and the work are elsewhere.

A call is acknowledged before it is worked, so no broker gives it to a second trainer; one that
is lost with its worker is repeated by the schedule.
"""

from typing import Any

from celery import shared_task

from training import supervisor
from training.services import measuring_requests


@shared_task(acks_late=False)
def work_training_queue() -> None:
    """Work runs that wait for this machine. Called twice, it finds nothing to claim."""
    supervisor.work_queue()


@shared_task(acks_late=False)
def measure_plan(**facts: Any) -> None:
    """Measure what somebody thinks of training. A lost call is asked again by a person."""
    measuring_requests.answer(**facts)
