"""Of a file that is too large no page reads more than it takes to see that."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.utils import FileProxyMixin
from django.test import Client
from django.urls import reverse

from chat.knowledge import files
from moderation.words import importing
from tests.factories import BotFactory, DatasetFactory
from training import formats

pytestmark = pytest.mark.django_db


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much each reading of an uploaded file brought into memory."""
    sizes: list[int] = []

    def reader(upload: Any) -> Callable[..., bytes]:
        def read(*size: int) -> bytes:
            data: bytes = upload.file.read(*size)
            sizes.append(len(data))
            return data

        return read

    monkeypatch.setattr(FileProxyMixin, "read", property(reader))
    return sizes


@pytest.mark.parametrize(
    ("page", "largest", "fields"),
    [
        (
            lambda: reverse("admin:knowledge_import"),
            files.LARGEST_FILE,
            lambda: {"bot": BotFactory().pk, "locale": "en"},
        ),
        (
            lambda: reverse("admin:training_import", args=[DatasetFactory().pk]),
            formats.LARGEST_FILE,
            lambda: {"locale": "en", "source": "written", "licence": "", "status": "draft"},
        ),
        (
            lambda: reverse("admin:moderation_import"),
            importing.LARGEST_FILE,
            lambda: {"category": "drugs"},
        ),
    ],
    ids=["answers", "examples", "words"],
)
def test_no_more_is_read_than_may_be(
    admin_client: Client,
    taken: list[int],
    page: Callable[[], str],
    largest: int,
    fields: Callable[[], dict[str, Any]],
) -> None:
    upload = io.BytesIO(b" " * (largest + 100_000))
    upload.name = "a.txt"

    answer = admin_client.post(page(), {**fields(), "file": upload})

    assert answer.status_code == 200
    assert f"larger than {largest // 1024 // 1024} MB" in answer.content.decode()
    assert taken == [largest + 1]
