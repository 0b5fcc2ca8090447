"""What proves that a visitor was erased: counts, digests and commitments, signed; no personal data."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from moderation.audit.checkpoints import Forged, verify
from moderation.services.audit import signer
from training.models import Erasure

KIND = "csbot erasure certificate 1"


def commitments(ids: Iterable[str]) -> dict[str, Any]:
    """A salt, and what each of ``ids`` is under it: whoever knows one finds it there, whoever
    does not learns nothing."""
    salt = secrets.token_hex(16)
    return {"salt": salt, "covered": [commitment(salt, each) for each in ids]}


def commitment(salt: str, covered: str) -> str:
    """HMAC-SHA256 of ``visitor:<id>`` or ``conversation:<id>``, as a certificate has it."""
    return hmac.new(bytes.fromhex(salt), covered.encode(), hashlib.sha256).hexdigest()


def facts(erasure: Erasure) -> dict[str, Any]:
    """What the audit trail keeps of a finished erasure."""
    return {
        "reason": erasure.reason,
        "reference": erasure.reference,
        "counts": erasure.counts,
        "covered": erasure.commitments["covered"],
        "versions": erasure.versions,
        "models": [each["id"] for each in erasure.trained],
        "certificate_sha256": hashlib.sha256(_message(body(erasure))).hexdigest(),
    }


def body(erasure: Erasure) -> dict[str, Any]:
    """What is signed."""
    assert erasure.finished_at is not None
    return {
        "kind": KIND,
        "id": str(erasure.public_id),
        "reason": erasure.reason,
        "reference": erasure.reference,
        "begun": erasure.created_at.isoformat(timespec="seconds"),
        "finished": erasure.finished_at.isoformat(timespec="seconds"),
        "counts": erasure.counts,
        **erasure.commitments,
        "dataset_versions": erasure.versions,
        "models_trained_on_it": erasure.trained,
    }


def signed(erasure: Erasure) -> dict[str, Any]:
    """The certificate of a finished erasure, with the key that it can be checked with."""
    content = body(erasure)
    key = signer()
    signature = base64.b64encode(key.sign(_message(content))).decode()
    return {"certificate": content, "public_key": key.public_key, "signature": signature}


def check(document: Mapping[str, Any]) -> None:
    """Raises :class:`~moderation.audit.checkpoints.Forged` unless this installation signed it so."""
    try:
        signature = base64.b64decode(document["signature"], validate=True)
        message = _message(document["certificate"])
    except (KeyError, TypeError, ValueError):
        raise Forged from None
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(signer().public_key))
    verify(key, signature, message)


def _message(content: Mapping[str, Any]) -> bytes:
    """As it is signed: the kind on a line, then sorted keys without spaces, in UTF-8."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"{KIND}\n{text}".encode()
