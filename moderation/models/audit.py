"""The audit trail: what was done, by whom, to what. Written once, never changed."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditEntry(models.Model):
    """One thing that was done. See :func:`moderation.services.audit.record`.

    ``seq``, ``previous`` and ``digest`` place it in the chain. PostgreSQL fills them when the
    transaction commits, in the order of the commits; SQLite has one writer, who fills them at once.
    Nothing here is personal: ``facts`` are ids, counts and codes.
    """

    HASHED: ClassVar = (
        "time", "action", "actor_kind", "actor_id", "actor_name", "bot", "target", "facts",
    )  # fmt: skip

    seq = models.BigIntegerField(_("number"), unique=True, null=True, editable=False)
    # As text, to the microsecond: what was hashed is what is stored.
    time = models.CharField(_("time"), max_length=32)
    action = models.CharField(_("action"), max_length=60)
    actor_kind = models.CharField(_("kind of actor"), max_length=10)
    actor_id = models.CharField(_("actor's id"), max_length=64, blank=True)
    actor_name = models.CharField(_("actor"), max_length=150, blank=True)
    bot = models.CharField(_("bot"), max_length=50, blank=True)
    target = models.CharField(_("target"), max_length=120, blank=True)
    facts = models.TextField(_("facts"), default="{}")
    content = models.BinaryField(max_length=32, editable=False)
    previous = models.BinaryField(max_length=32, null=True, editable=False)
    digest = models.BinaryField(max_length=32, null=True, editable=False)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        ordering: ClassVar = ["-id"]
        default_permissions = ("view",)
        permissions: ClassVar = [
            ("export_audit", _("Can export the audit trail")),
            ("verify_audit", _("Can verify the audit trail")),
        ]
        indexes: ClassVar = [
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["actor_id", "-id"], name="audit_actor"),
            models.Index(fields=["target", "-id"], name="audit_target"),
            models.Index(fields=["time"], name="audit_time"),
        ]

    def __str__(self) -> str:
        return f"{self.seq}: {self.action}"

    @property
    def at(self) -> datetime | None:
        """``time`` as a time; None for what somebody else wrote there."""
        try:
            return datetime.fromisoformat(self.time)
        except ValueError:
            return None

    @property
    def fields(self) -> tuple[str, ...]:
        """What the hash is over, in this order for ever."""
        return tuple(getattr(self, name) for name in self.HASHED)


class AuditHead(models.Model):
    """The end of the chain: one row, which whoever writes an entry locks."""

    seq = models.BigIntegerField(default=0)
    digest = models.BinaryField(max_length=32)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"the chain ends with {self.seq}"
