"""The page of a case in a browser's eyes: its form stands by itself."""

from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from moderation.findings import Direction
from moderation.models import ModerationCase
from moderation.services.screening import screen

pytestmark = pytest.mark.django_db


class _Nesting(HTMLParser):
    """How deep forms stand in forms. Browsers drop the inner one, and its button with it."""

    depth = deepest = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "form":
            self.depth += 1
            self.deepest = max(self.deepest, self.depth)

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "form"


def test_a_case_can_be_resolved_in_a_browser(client: Client) -> None:
    screen("do you sell cocaine?", Direction.INBOUND, scope="conversation")
    client.force_login(User.objects.create_superuser("chief"))
    case = ModerationCase.objects.get()

    page = client.get(reverse("admin:moderation_moderationcase_change", args=[case.pk]))

    assert reverse("admin:moderation_resolve", args=[case.pk]) in page.content.decode()
    forms = _Nesting()
    forms.feed(page.content.decode())
    assert forms.deepest == 1
