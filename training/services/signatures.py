"""What an installation vouches for when it publishes a model, and whether it still holds.

Signed with the key of the audit (Ed25519): whoever can write rows and files, and cannot read the
key, cannot make a model of theirs look like one that was published here.
"""

import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings

from chat.inference import artifacts
from chat.inference.artifacts import ArtifactError
from moderation.audit.checkpoints import Forged, verify
from moderation.services import audit
from training.models import ModelVersion

_PREFIX = b"csbot model version 1\n"
"""A signature of one kind of statement never passes for one of another."""


def statement(version: ModelVersion) -> bytes:
    """What is signed: which files, and where they came from."""
    run = version.run
    facts = {
        "model": version.name,
        "version": version.number,
        "base": version.base,
        "artifact": version.artifact,
        "manifest_sha256": version.manifest_sha256,
        "run": str(run.public_id) if run else "",
        "recipe_sha256": _digest(run.recipe) if run else "",
        "dataset_sha256": run.dataset_version.sha256 if run else "",
        "parent": str(run.parent.public_id) if run and run.parent else "",
    }
    return _PREFIX + json.dumps(facts, sort_keys=True).encode()


def sign(version: ModelVersion) -> None:
    version.signature = base64.b64encode(audit.signer().sign(statement(version))).decode()
    version.save(update_fields=["signature"])


def is_genuine(version: ModelVersion) -> bool:
    """Whether row and manifest are as they were published. The other files are checked by the
    manifest, where they are loaded."""
    try:
        found = artifacts.digest(settings.MODELS_DIR / "serving" / version.artifact)
    except ArtifactError:
        return False
    return found == version.manifest_sha256 and _is_signed(version)


def _is_signed(version: ModelVersion) -> bool:
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(audit.signer().public_key))
    try:
        verify(key, base64.b64decode(version.signature, validate=True), statement(version))
    except (Forged, ValueError):
        return False
    return True


def _digest(recipe: object) -> str:
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
