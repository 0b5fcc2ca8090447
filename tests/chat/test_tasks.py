"""Housekeeping runs on a schedule that names tasks which exist."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from chat import tasks
from chat.models import SocketTicket
from chat.services import visitors
from csbot.celery import app
from tests.factories import ConversationFactory, ReplyFactory

pytestmark = pytest.mark.django_db


def test_every_scheduled_task_exists() -> None:
    app.loader.import_default_modules()
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in app.tasks


def test_overdue_replies_are_failed() -> None:
    reply = ReplyFactory(queued_at=timezone.now() - timedelta(hours=1))
    tasks.fail_overdue_replies()
    tasks.fail_overdue_replies()
    reply.refresh_from_db()
    assert (reply.status, reply.code) == ("failed", "overdue")


def test_only_expired_tickets_are_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    conversation = ConversationFactory()
    visitors.issue_ticket(conversation)
    monkeypatch.setattr(visitors, "TICKET_SECONDS", -1)
    visitors.issue_ticket(conversation)
    tasks.delete_spent_tickets()
    assert SocketTicket.objects.count() == 1
