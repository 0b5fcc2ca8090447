"""Somebody's browser, signed in."""

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    session = client.session
    # As after giving the password a moment ago, where that is asked.
    session["confirmed_at"] = timezone.now().timestamp()
    session.save()
    return client
