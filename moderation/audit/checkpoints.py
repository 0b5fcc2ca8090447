"""Signed ends of the chain, in a file outside the database: one JSON object a line.

Ed25519 (RFC 8032). Whoever has the database alone can neither make one nor take one away.
"""

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from moderation.audit.chain import End

_TAIL_BYTES = 64 * 1024
_PREFIX = b"csbot audit checkpoint 1\n"


class Forged(Exception):
    """A checkpoint that was not signed with the key."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The chain ended with entry ``seq`` and its ``digest`` at ``time`` (ISO 8601)."""

    seq: int
    digest: bytes
    time: str
    signature: bytes

    @property
    def end(self) -> End:
        return End(self.seq, self.digest)

    def as_json(self) -> dict[str, str | int]:
        return {
            "seq": self.seq,
            "digest": self.digest.hex(),
            "time": self.time,
            "signature": base64.b64encode(self.signature).decode(),
        }

    def as_line(self) -> str:
        return json.dumps(self.as_json())

    @classmethod
    def of_line(cls, line: str) -> Self:
        """Raises :class:`Forged` for what is no checkpoint."""
        try:
            found = json.loads(line)
            return cls(
                int(found["seq"]),
                bytes.fromhex(found["digest"]),
                str(found["time"]),
                base64.b64decode(found["signature"], validate=True),
            )
        except (ValueError, KeyError, TypeError):
            raise Forged from None


class Signer:
    """Signs and checks with one Ed25519 key, 32 bytes in base64."""

    def __init__(self, key: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(key))

    @property
    def public_key(self) -> str:
        """For whoever keeps checkpoints elsewhere, in base64."""
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(raw).decode()

    def checkpoint(self, end: End, time: str) -> Checkpoint:
        return Checkpoint(end.seq, end.digest, time, self.sign(_message(end, time)))

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def check(self, found: Checkpoint) -> None:
        """Raises :class:`Forged`."""
        verify(self._key.public_key(), found.signature, _message(found.end, found.time))


def verify(key: Ed25519PublicKey, signature: bytes, message: bytes) -> None:
    """Raises :class:`Forged`."""
    try:
        key.verify(signature, message)
    except InvalidSignature:
        raise Forged from None


def append(place: Path, found: Checkpoint) -> None:
    """Add a checkpoint to the file, on the disk when this returns."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with place.open("ab") as file:
        file.write(f"{found.as_line()}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def read(place: Path) -> Iterator[Checkpoint]:
    """All of the file. Raises :class:`Forged` for a line that is none; a torn last line is passed over."""
    if not place.exists():
        return
    yield from _of_text(place.read_text("utf-8", errors="replace"))


def tail(place: Path) -> Iterator[Checkpoint]:
    """The last of the file, which is all of a short one: the newest is among them, though
    processes that sign at once may be in any order. Raises as :func:`read`."""
    if not place.exists():
        return
    with place.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        text = file.read().decode("utf-8", errors="replace")
    if size > _TAIL_BYTES:
        text = text.partition("\n")[2]
    yield from _of_text(text)


def _of_text(text: str) -> Iterator[Checkpoint]:
    whole, _, _torn = text.rpartition("\n")
    return map(Checkpoint.of_line, whole.splitlines())


def _message(end: End, time: str) -> bytes:
    return _PREFIX + f"{end.seq}\n{end.digest.hex()}\n{time}".encode()
