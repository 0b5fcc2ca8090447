"""Housekeeping runs on a schedule that names tasks which exist."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from chat import tasks
from chat.models import RunnerReport, SocketTicket
from chat.services import reporting, visitors
from chat.services.reporting import Runner, State
from csbot.celery import app
from tests.factories import BotFactory, ConversationFactory, ReplyFactory

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


def test_runners_that_are_silent_for_an_hour_are_forgotten() -> None:
    state = State(BotFactory().pk, RunnerReport.State.SERVING, None, None)
    for name in ("dead", "alive"):
        reporting.report(Runner(name, "shelf", 7), [state])
    long_ago = timezone.now() - timedelta(seconds=reporting.FORGOTTEN_SECONDS + 1)
    RunnerReport.objects.filter(runner="dead").update(seen_at=long_ago)

    tasks.forget_silent_runners()
    tasks.forget_silent_runners()

    assert [each.runner for each in RunnerReport.objects.all()] == ["alive"]
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert "chat.tasks.forget_silent_runners" in scheduled


def test_only_expired_tickets_are_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    conversation = ConversationFactory()
    visitors.issue_ticket(conversation)
    monkeypatch.setattr(visitors, "TICKET_SECONDS", -1)
    visitors.issue_ticket(conversation)
    tasks.delete_spent_tickets()
    assert SocketTicket.objects.count() == 1
