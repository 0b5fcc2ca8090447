"""Keys that tell nothing and values that nobody else can make.

Whoever reads Valkey can test no guess of a question, whoever writes to it plants no answer.
"""

import hmac
import json
import time
from dataclasses import asdict, astuple, dataclass

from django.utils.crypto import salted_hmac

FORMAT = "1"
"""Raise it with the fields of :class:`CachedAnswer`: older values are then nobody's."""
_SIGNATURE_LENGTH = 64


@dataclass(frozen=True, slots=True)
class CacheScope:
    """Everything that an answer depends on besides the question."""

    bot: int
    deployment: int
    prompt_version: str
    knowledge_version: int
    policy_version: str
    locale: str
    audience: str


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """What was said, in which message first (its public id), and when (seconds since 1970)."""

    text: str
    message_id: str
    created_at: float


def cache_key(scope: CacheScope, question: str) -> str:
    """The key of a normalised question within ``scope``: the bot's number and an HMAC."""
    return f"{scope.bot}.{digest('key', *map(str, astuple(scope)), question)}"


def digest(purpose: str, *parts: str) -> str:
    """HMAC-SHA256 of ``parts`` under the secret key, another one for each purpose."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    # With its length before each part, no two lists of parts read the same.
    message = b"".join(len(part).to_bytes(8, "big") + part for part in encoded)
    return str(salted_hmac(f"chat.cache.{purpose}", message, algorithm="sha256").hexdigest())


def seal(place: str, answer: CachedAnswer, *, seconds: float) -> str:
    """``answer`` as it is stored at ``place``, readable for so long."""
    body = json.dumps({"until": time.time() + seconds, "answer": asdict(answer)})
    return digest("value", FORMAT, place, body) + body


def opened(place: str, sealed: str) -> CachedAnswer | None:
    """The answer, unless it was not sealed by us, was sealed for another place, or is too old."""
    signature, body = sealed[:_SIGNATURE_LENGTH], sealed[_SIGNATURE_LENGTH:]
    ours = digest("value", FORMAT, place, body)
    if not hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), ours.encode()):
        return None
    content = json.loads(body)
    if time.time() >= content["until"]:
        return None
    return CachedAnswer(**content["answer"])
