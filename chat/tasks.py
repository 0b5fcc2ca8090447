"""Housekeeping on a schedule. Every task may run twice, or late."""

import logging

from celery import shared_task

from chat.services import idling, replies, reporting, visitors

logger = logging.getLogger(__name__)


@shared_task
def fail_overdue_replies() -> None:
    """Customers are told when nobody answers, even with no runner left to tell them."""
    if failed := replies.fail_overdue():
        logger.warning("%d replies waited too long and were marked failed", failed)


@shared_task
def close_idle_conversations() -> None:
    if closed := idling.close_idle():
        logger.info("%d conversations were quiet for long and were closed", closed)


@shared_task
def delete_spent_tickets() -> None:
    visitors.delete_spent_tickets()


@shared_task
def forget_silent_runners() -> None:
    """A runner that died took no leave: its reports stayed."""
    reporting.forget_the_silent()
