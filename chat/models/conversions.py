"""What a visitor did on the site around the widget, as the site told it."""

from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.conversations import Conversation, Visitor

LONGEST_NAME = 64
NAME = r"^[a-z0-9][a-z0-9_-]*\Z"


class Conversion(models.Model):
    """One event: a purchase, a booking, whatever the site calls a success.

    It hangs on the visitor's latest conversation and goes with it. ``key_digest`` is of the key under
    which the site sent it, which may be an order number. ``value`` is in the site's own unit.
    """

    visitor = models.ForeignKey(Visitor, models.CASCADE, related_name="conversions")
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="conversions")
    key_digest = models.BinaryField(max_length=32, editable=False)
    name = models.CharField(_("name"), max_length=LONGEST_NAME, validators=[RegexValidator(NAME)])
    value = models.DecimalField(_("value"), max_digits=12, decimal_places=2, null=True, blank=True)
    at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        verbose_name = _("conversion")
        verbose_name_plural = _("conversions")
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["visitor", "key_digest"], name="conversion_once_per_key"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["visitor", "at"], name="conversion_of_visitor")]

    def __str__(self) -> str:
        return f"{self.name} of visitor {self.visitor_id}"
