"""Personal data at rest: encrypted with the newest data key, readable with all of them."""

import functools
import hashlib
import hmac

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def encrypt(text: str) -> bytes:
    """AES-128-CBC with HMAC-SHA256 (Fernet). Any text, lone surrogates too."""
    return _fernet().encrypt(text.encode("utf-8", "surrogatepass"))


def decrypt(ciphertext: bytes) -> str:
    """Raises :class:`cryptography.fernet.InvalidToken` when no data key fits."""
    return _fernet().decrypt(ciphertext).decode("utf-8", "surrogatepass")


def digest(*parts: str) -> bytes:
    """A keyed digest: equal for equal parts, and useless to guess from without the key."""
    message = b"".join(
        len(raw).to_bytes(4, "big") + raw
        for raw in (part.encode("utf-8", "surrogatepass") for part in parts)
    )
    key = hashlib.sha256(b"csbot.digest" + settings.DATA_KEYS[0].encode()).digest()
    return hmac.digest(key, message, "sha256")


def _fernet() -> MultiFernet:
    return _fernet_of(tuple(settings.DATA_KEYS))


@functools.lru_cache(maxsize=4)
def _fernet_of(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
