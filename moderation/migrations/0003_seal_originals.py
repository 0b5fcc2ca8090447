"""Originals that were encrypted with the installation's keys get a key per conversation.

The formats stand here as they were at that time: those of ``moderation.encryption`` may go on.
"""

import hashlib
import hmac
import secrets
from itertools import groupby
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import migrations

_BATCH = 500


def seal(apps: Any, schema_editor: Any) -> None:
    originals = apps.get_model("moderation", "Original").objects.order_by("scope", "pk")
    keys = apps.get_model("moderation", "SubjectKey").objects
    data_keys = MultiFernet([Fernet(each) for each in settings.DATA_KEYS])
    for scope, rows in groupby(originals.iterator(_BATCH), key=lambda each: each.scope):
        key = AESGCM.generate_key(256)
        changed = []
        for row in rows:
            try:
                value = data_keys.decrypt(bytes(row.ciphertext))
            except InvalidToken:
                # Of a data key that was lost before: as unreadable as it was.
                continue
            nonce = secrets.token_bytes(12)
            row.ciphertext = nonce + AESGCM(key).encrypt(nonce, value, _place(row))
            row.locator = _locator(row.kind, value)
            changed.append(row)
        if changed:
            keys.create(scope=scope, wrapped=data_keys.encrypt(key))
            originals.bulk_update(changed, ["ciphertext", "locator"], batch_size=_BATCH)


def unseal(apps: Any, schema_editor: Any) -> None:
    originals = apps.get_model("moderation", "Original").objects
    data_keys = MultiFernet([Fernet(each) for each in settings.DATA_KEYS])
    for stored in apps.get_model("moderation", "SubjectKey").objects.iterator(_BATCH):
        key = AESGCM(data_keys.decrypt(bytes(stored.wrapped)))
        rows = list(originals.filter(scope=stored.scope).exclude(locator=b""))
        for row in rows:
            data = bytes(row.ciphertext)
            row.ciphertext = data_keys.encrypt(key.decrypt(data[:12], data[12:], _place(row)))
        originals.bulk_update(rows, ["ciphertext"], batch_size=_BATCH)


def _place(row: Any) -> bytes:
    return f"{row.scope}/{row.kind}/{row.number}".encode()


def _locator(kind: str, value: bytes) -> bytes:
    key = hashlib.sha256(b"csbot.digest" + settings.DATA_KEYS[0].encode()).digest()
    parts = (b"csbot.locator", kind.encode(), value)
    return hmac.digest(key, b"".join(len(p).to_bytes(4, "big") + p for p in parts), "sha256")


class Migration(migrations.Migration):
    dependencies = [("moderation", "0002_subject_keys")]

    operations = [migrations.RunPython(seal, unseal)]
