"""Which datasets, runs and models somebody works on."""

import uuid

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from chat.access import Staff, bots_of
from training.models import (
    Dataset,
    DatasetGrant,
    DatasetGroupGrant,
    ModelVersion,
    TrainingRun,
)


class NoSuchRun(Exception):
    """There is no such run for this person."""


_WORKS_ON = {"permission__codename": "work_on_dataset"}


def datasets_of(user: Staff) -> QuerySet[Dataset]:
    """The datasets of somebody's bots, and those granted to them or to a group of theirs."""
    if not (isinstance(user, User) and user.is_active):
        return Dataset.objects.none()
    granted = DatasetGrant.objects.filter(user=user, **_WORKS_ON)
    granted_to_group = DatasetGroupGrant.objects.filter(group__user=user, **_WORKS_ON)
    return Dataset.objects.filter(
        Q(bot__in=bots_of(user))
        | Q(pk__in=granted.values("content_object"))
        | Q(pk__in=granted_to_group.values("content_object"))
    )


def runs_of(user: Staff) -> QuerySet[TrainingRun]:
    """The runs on those datasets, for any bot, and all runs for their bots."""
    return TrainingRun.objects.filter(
        Q(bot__in=bots_of(user)) | Q(dataset_version__dataset__in=datasets_of(user))
    )


def model_versions_of(user: Staff) -> QuerySet[ModelVersion]:
    """What those runs made. A model that no run of ours made belongs to those who see all bots."""
    if isinstance(user, User) and user.is_active and user.has_perm("chat.work_on_all_bots"):
        return ModelVersion.objects.all()
    return ModelVersion.objects.filter(run__in=runs_of(user))


def access_run(user: Staff, public_id: uuid.UUID) -> TrainingRun:
    """One of somebody's runs. Raises :class:`NoSuchRun`."""
    run = runs_of(user).filter(public_id=public_id).first()
    if run is None:
        raise NoSuchRun
    return run
