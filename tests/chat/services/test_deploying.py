"""One deployment is active, whoever decides at the same time."""

import threading
from typing import Any

import pytest
from django.db import connection

from chat.knowledge.confidence import FEATURES
from chat.libraries import weights_for
from chat.models import Bot, Deployment
from chat.services import deploying
from chat.services.deploying import Model, Outdated
from tests.factories import BotFactory, DeploymentFactory, UserFactory


def active(bot: Bot) -> Deployment:
    return bot.deployments.get(is_active=True)


@pytest.mark.django_db
def test_the_first_deployment_of_a_bot() -> None:
    bot, ann = BotFactory(), UserFactory()
    made = deploying.deploy(bot, Model("v1-int4", manifest_sha256="a" * 64), replacing=None, by=ann)
    assert active(bot) == made
    assert (made.version, made.created_by, made.manifest_sha256) == (1, ann, "a" * 64)


@pytest.mark.django_db
def test_going_back_is_a_new_row_with_the_confidence_of_the_old_one() -> None:
    bot = BotFactory()
    weights = {"en": {"intercept": -2.5, "weights": [0.0] * FEATURES}}
    one = deploying.deploy(bot, Model("v1", confidence=weights), replacing=None)
    two = deploying.deploy(bot, Model("v2"), replacing=one)
    assert weights_for(bot, "en", "any").intercept != -2.5
    back = deploying.deploy(bot, deploying.model_of(one), replacing=two)
    assert (back.version, back.artifact) == (3, "v1")
    assert weights_for(bot, "en", "any").intercept == -2.5
    assert active(bot) == back


@pytest.mark.django_db
def test_who_decided_against_something_else_has_to_look_again() -> None:
    old = DeploymentFactory(artifact="v1")
    new = deploying.deploy(old.bot, Model("v2"), replacing=old)
    for replacing in (old, None):
        with pytest.raises(Outdated):
            deploying.deploy(old.bot, Model("v3"), replacing=replacing)
    assert active(old.bot) == new


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_wins() -> None:
    old = DeploymentFactory(artifact="v1", version=1)
    start = threading.Barrier(4)
    results: list[Any] = []

    def decide(name: str) -> None:
        start.wait()
        try:
            results.append(deploying.deploy(old.bot, Model(name), replacing=old).artifact)
        except Outdated:
            results.append(None)
        finally:
            connection.close()

    threads = [threading.Thread(target=decide, args=(f"v{n}",)) for n in range(2, 6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert results.count(None) == 3
    assert active(old.bot).artifact in results
    assert old.bot.deployments.count() == 2
