"""Who may work on one dataset without having its bot. As :mod:`chat.models.grants`."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from training.models.datasets import Dataset


class DatasetGrant(UserObjectPermissionBase):
    """One permission of one person on one dataset."""

    content_object = models.ForeignKey(Dataset, models.CASCADE, related_name="grants")

    class Meta(UserObjectPermissionBase.Meta):
        verbose_name = _("grant on a dataset")
        verbose_name_plural = _("grants on datasets")
        default_permissions: ClassVar[tuple[str, ...]] = ()


class DatasetGroupGrant(GroupObjectPermissionBase):
    """One permission of a whole group on one dataset."""

    content_object = models.ForeignKey(Dataset, models.CASCADE, related_name="group_grants")

    class Meta(GroupObjectPermissionBase.Meta):
        verbose_name = _("grant of a group on a dataset")
        verbose_name_plural = _("grants of groups on datasets")
        default_permissions: ClassVar[tuple[str, ...]] = ()
