"""Where somebody works: which bots a person or a group may see.

A role says what people may do, a grant says on which bot. The rows have a real foreign key, so
that a grant ends with its bot and can never come to life on another one.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from chat.models.bots import Bot


class BotGrant(UserObjectPermissionBase):
    """One permission of one person on one bot."""

    content_object = models.ForeignKey(Bot, models.CASCADE, related_name="grants")

    class Meta(UserObjectPermissionBase.Meta):
        verbose_name = _("grant on a bot")
        verbose_name_plural = _("grants on bots")
        default_permissions: ClassVar[tuple[str, ...]] = ()


class BotGroupGrant(GroupObjectPermissionBase):
    """One permission of a whole group on one bot."""

    content_object = models.ForeignKey(Bot, models.CASCADE, related_name="group_grants")

    class Meta(GroupObjectPermissionBase.Meta):
        verbose_name = _("grant of a group on a bot")
        verbose_name_plural = _("grants of groups on bots")
        default_permissions: ClassVar[tuple[str, ...]] = ()
