"""Datasets, runs and models follow bots and datasets granted to somebody."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from guardian.shortcuts import assign_perm

from tests.factories import DatasetFactory, ModelVersionFactory, TrainingRunFactory, UserFactory
from training.access import datasets_of, model_versions_of, runs_of
from training.models import DatasetGrant, DatasetGroupGrant

pytestmark = pytest.mark.django_db


def test_a_bots_people_see_its_datasets_runs_and_models() -> None:
    version, foreign = (ModelVersionFactory(run=TrainingRunFactory()) for _ in range(2))
    user = UserFactory()
    assert not datasets_of(user).exists()
    assign_perm("chat.work_on_bot", user, version.run.bot)
    assert list(runs_of(user)) == [version.run]
    assert list(model_versions_of(user)) == [version]
    assert foreign not in model_versions_of(user)
    dataset = DatasetFactory(bot=version.run.bot)
    assert dataset in datasets_of(user)
    assert DatasetFactory() not in datasets_of(user)


def test_a_dataset_can_be_granted_without_its_bot() -> None:
    run, foreign = TrainingRunFactory(), TrainingRunFactory()
    user, group = UserFactory(), Group.objects.create(name="curators of returns")
    user.groups.add(group)
    dataset = run.dataset_version.dataset
    assign_perm("training.work_on_dataset", group, dataset)
    assert list(datasets_of(user)) == [dataset]
    assert list(runs_of(user)) == [run]
    assert foreign not in runs_of(user)


def test_those_who_see_all_bots_see_models_without_a_run() -> None:
    loose = ModelVersionFactory(run=None)
    assert loose not in model_versions_of(UserFactory())
    assert loose in model_versions_of(UserFactory(is_superuser=True))
    disabled = UserFactory(is_superuser=True, is_active=False)
    for nobody in (disabled, AnonymousUser()):
        assert not model_versions_of(nobody).exists()
        assert not datasets_of(nobody).exists()


def test_grants_end_with_their_dataset() -> None:
    user, group = UserFactory(), Group.objects.create(name="curators of returns")
    dataset = DatasetFactory()
    assign_perm("training.work_on_dataset", user, dataset)
    assign_perm("training.work_on_dataset", group, dataset)
    dataset.delete()
    assert not DatasetGrant.objects.exists()
    assert not DatasetGroupGrant.objects.exists()
