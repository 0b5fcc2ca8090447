"""Secrets that open doors: made from 256 random bits, stored only as a hash.

A plain SHA-256 is enough: nobody can guess 256 random bits, so nothing has to be slow.
"""

import hashlib
import secrets


def make() -> tuple[str, bytes]:
    """A new secret for its holder, and the hash that is stored."""
    token = secrets.token_urlsafe(32)
    return token, digest(token)


def digest(token: str) -> bytes:
    """The stored form of a secret. Any text is accepted, lone surrogates too."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
