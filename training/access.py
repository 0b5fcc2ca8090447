"""Who may watch training runs over a socket."""

import uuid

from django.contrib import auth
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from training.models import TrainingRun


class Forbidden(Exception):
    """Nobody who is logged in as staff with the right to look at runs."""


class NoSuchRun(Exception):
    """There is no such run. Only those hear it who may look at runs."""


def check_may_watch(session_key: str) -> None:
    """Ask the session and the user anew, as every page does. Raises :class:`Forbidden`."""
    request = HttpRequest()
    request.session = SessionStore(session_key)
    user = auth.get_user(request)
    if not (user.is_active and user.is_staff and user.has_perm("training.view_trainingrun")):
        raise Forbidden


def access_run(session_key: str, public_id: uuid.UUID) -> TrainingRun:
    """The run, for those who may look at it. Raises :class:`Forbidden` or :class:`NoSuchRun`."""
    check_may_watch(session_key)
    run = TrainingRun.objects.filter(public_id=public_id).first()
    if run is None:
        raise NoSuchRun
    return run
