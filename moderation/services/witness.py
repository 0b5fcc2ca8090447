"""The newest checkpoint, told to somebody who keeps it where nobody of this machine can write."""

import logging
from pathlib import Path

import httpx
from django.conf import settings

from moderation.services import audit

logger = logging.getLogger(__name__)
_PATIENCE_SECONDS = 5.0


def tell() -> bool:
    """Post the newest checkpoint to ``CSBOT_AUDIT_WEBHOOK``, once it is newer than what was told last.

    What is posted is a line of the file, and the public key that checks it. False: there is nothing to
    tell, or it could not be told; the next call tries again.
    """
    address, newest = settings.AUDIT_WEBHOOK, audit.newest_checkpoint()
    if not address or newest is None or newest.seq <= _told():
        return False
    body = {**newest.as_json(), "public_key": audit.signer().public_key}
    try:
        answer = httpx.post(address, json=body, timeout=_PATIENCE_SECONDS, follow_redirects=False)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # Not the address: it may hold a secret.
        logger.warning("The audit's webhook took no checkpoint: %s", type(error).__name__)
        return False
    _place().write_text(str(newest.seq))
    return True


def _told() -> int:
    try:
        return int(_place().read_text())
    except (OSError, ValueError):
        return 0


def _place() -> Path:
    return audit.checkpoints_file().with_name("told")
