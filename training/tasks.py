"""What Celery does for training: it rings. The queue, the lease and the work are elsewhere.

A call is acknowledged before it is worked, so no broker gives it to a second trainer; one that
is lost with its worker is repeated by the schedule.
"""

from celery import shared_task

from training import supervisor


@shared_task(acks_late=False)
def work_training_queue() -> None:
    """Work runs that wait for this machine. Called twice, it finds nothing to claim."""
    supervisor.work_queue()
