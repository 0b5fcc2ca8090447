"""Whatever the schema allows, or just not: no request is a fault, and errors have one shape."""

import json
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.test import Client, override_settings
from hypothesis import HealthCheck
from hypothesis import settings as examples
from schemathesis.core import NOT_SET

from chat import tokens
from chat.models import Conversation, Message, Visitor
from tests.factories import BotFactory, ReplyFactory

pytestmark = pytest.mark.django_db

TOKEN = "token-of-the-fuzzer"
RATES = (
    "MESSAGES_PER_VISITOR",
    "MESSAGES_PER_ADDRESS",
    "VISITORS_PER_ADDRESS",
    "EVENTS_PER_VISITOR",
)

schema = schemathesis.openapi.from_wsgi("/api/v1/schema?format=json", get_wsgi_application())


def _rows() -> dict[str, str]:
    """The fuzzer's own rows: made anew when an example needs them."""
    visitor = Visitor.objects.filter(token_hash=tokens.digest(TOKEN)).first()
    if visitor is None:
        visitor = Visitor.objects.create(bot=BotFactory(), token_hash=tokens.digest(TOKEN))
    conversation = Conversation.objects.create(visitor=visitor, bot=visitor.bot)
    reply: Message = ReplyFactory(conversation=conversation)
    return {
        "bot": str(visitor.bot.public_id),
        "conversation": str(conversation.public_id),
        "message": str(reply.public_id),
        # For staff: the fuzzer is a visitor, and none of these is theirs.
        "model": str(reply.public_id),
        "experiment": str(reply.public_id),
    }


def _encoded(body: object) -> bytes:
    if body is NOT_SET:
        return b""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


@schema.exclude(path="/api/v1/chat").parametrize()
@examples(max_examples=8, suppress_health_check=list(HealthCheck))
def test_no_request_is_a_fault(case: schemathesis.Case[Any]) -> None:
    rows = _rows()
    # Half of the examples name rows that exist: what lies behind a 404 is tested, too.
    if sum(map(ord, str(case.body))) % 2:
        case.path_parameters = {name: rows[name] for name in case.path_parameters or {}}
    with override_settings(**{f"CHAT_RATE_{rate}": "100000/minute" for rate in RATES}):
        answer = Client().generic(
            case.method,
            case.formatted_path,
            _encoded(case.body),
            content_type="application/json",
            headers={"Authorization": f"Visitor {TOKEN}"},
            query_params=case.query or None,
        )

    assert answer.status_code in (200, 201, 400, 401, 404, 405, 409, 415)
    if answer.status_code >= 400:
        assert set(answer.json()) == {"code", "message"}
