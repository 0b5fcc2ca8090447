"""What csbot keeps of its staff beside Django's users and groups."""

from typing import ClassVar

from django.contrib.auth.models import Group, User
from django.db import models
from django.utils.translation import gettext_lazy as _


class RoleGroup(models.Model):
    """The group that a role of :mod:`csbot.accounts.roles` became.

    ``given`` are the permissions that it was given once: an administrator who took one away
    is not overruled by the next update. Without ``group`` the role was deleted, and stays so.
    """

    role = models.SlugField(unique=True)
    group = models.OneToOneField(Group, models.SET_NULL, null=True, related_name="role")
    given = models.JSONField(default=list)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.role


class Authenticator(models.Model):
    """Somebody's authenticator app (RFC 6238), in use once its first code was right."""

    user = models.OneToOneField(User, models.CASCADE, related_name="authenticator")
    wrapped_key = models.BinaryField(editable=False)
    confirmed_at = models.DateTimeField(_("set up"), null=True, editable=False)
    # The time step of the newest code that was taken: none opens anything twice.
    last_step = models.BigIntegerField(default=0, editable=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"authenticator of {self.user}"


class RecoveryCode(models.Model):
    """Opens the console once, for somebody whose phone is gone. Only its digest is kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="recovery_codes")
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"recovery code of {self.user}"


class SignInAttempt(models.Model):
    """A password or code that is being checked, or was wrong. Rows go once they count no more."""

    # What is counted: "address", "account" or "code", and a digest of which one.
    kind = models.CharField(max_length=10)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [models.Index(fields=["kind", "digest", "at"], name="sign_in_attempt")]

    def __str__(self) -> str:
        return f"attempt of one {self.kind}"
