"""Personal data at rest. Every subject has a key of its own; the installation's keys wrap those.

Whoever destroys a subject's key has destroyed all that was sealed with it, in copies, too.
"""

import functools
import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_NONCE_BYTES = 12


class Undecipherable(Exception):
    """No key fits, or what is to be read was changed or moved."""


def new_key() -> bytes:
    """A key for one subject: AES-256."""
    return AESGCM.generate_key(256)


def wrapped(key: bytes) -> bytes:
    """``key`` as it may be stored: under the newest data key of the installation (Fernet)."""
    return _fernet().encrypt(key)


def unwrapped(stored: bytes) -> bytes:
    """The key again, under any data key. Raises :class:`Undecipherable`."""
    try:
        return _fernet().decrypt(stored)
    except InvalidToken:
        raise Undecipherable from None


def rewrapped(stored: bytes) -> bytes:
    """The same key under the newest data key. Raises :class:`Undecipherable`."""
    try:
        return _fernet().rotate(stored)
    except InvalidToken:
        raise Undecipherable from None


def sealed(text: str, key: bytes, *, place: str) -> bytes:
    """``text`` under a subject's key (AES-256-GCM), readable at ``place`` alone.

    Any text, lone surrogates too.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    data = text.encode("utf-8", "surrogatepass")
    return nonce + AESGCM(key).encrypt(nonce, data, place.encode())


def unsealed(stored: bytes, key: bytes, *, place: str) -> str:
    """What :func:`sealed` sealed. Raises :class:`Undecipherable`."""
    nonce, data = stored[:_NONCE_BYTES], stored[_NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, data, place.encode()).decode("utf-8", "surrogatepass")
    except (InvalidTag, ValueError):
        raise Undecipherable from None


def digests(*parts: str) -> list[bytes]:
    """Keyed digests, under every data key, the newest first: equal for equal parts, and useless to
    guess from without the key."""
    message = b"".join(
        len(raw).to_bytes(4, "big") + raw
        for raw in (part.encode("utf-8", "surrogatepass") for part in parts)
    )
    return [
        hmac.digest(hashlib.sha256(b"csbot.digest" + key.encode()).digest(), message, "sha256")
        for key in settings.DATA_KEYS
    ]


def _fernet() -> MultiFernet:
    return _fernet_of(tuple(settings.DATA_KEYS))


@functools.lru_cache(maxsize=4)
def _fernet_of(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
