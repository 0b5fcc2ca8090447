"""Staff read models and what serves through the API: in their session, their own bots, nothing else."""

import re
import uuid
from typing import Any

import pytest
from django.test import Client

from chat.models import Bot, RunnerReport
from chat.services import reporting
from chat.services.reporting import Runner, State
from tests.csbot.accounts.people import person
from tests.factories import BotFactory, ExperimentFactory
from tests.training import candidates
from tests.training.candidates import Stage, knowing
from training.models import Experiment, ModelVersion

pytestmark = pytest.mark.django_db

ROOT = "/api/v1"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def stage(settings: Any, tmp_path: Any) -> Stage:
    settings.VAR_DIR = tmp_path
    settings.MODELS_DIR = tmp_path / "models"
    settings.SECOND_FACTOR = "optional"
    return candidates.stage()


@pytest.fixture
def version(stage: Stage) -> ModelVersion:
    return stage.candidate(knowing(36))


@pytest.fixture
def experiment(version: ModelVersion) -> Experiment:
    return ExperimentFactory(model_version=version)


def inside(*roles: str, bots: list[Bot]) -> Client:
    client = Client()
    client.force_login(person(*roles, bots=bots))
    return client


def everything(bot: Bot, version: ModelVersion, experiment: Experiment) -> list[str]:
    return [
        *(f"{ROOT}/bots/{bot.public_id}/{each}"
          for each in ("models", "experiments", "deployments", "runners")),
        f"{ROOT}/models/{version.public_id}",
        f"{ROOT}/models/{version.public_id}/comparison",
        f"{ROOT}/experiments/{experiment.public_id}",
    ]  # fmt: skip


def test_a_model_comes_with_its_gates_and_what_changed(stage: Stage, version: ModelVersion) -> None:
    client = inside("Trainer", bots=[stage.bot])
    listed = client.get(f"{ROOT}/bots/{stage.bot.public_id}/models").json()["results"]
    assert [(each["number"], each["aliases"]) for each in listed] == [
        (version.number, ["candidate"]), (version.number - 1, ["champion"]),
    ]  # fmt: skip

    one = client.get(f"{ROOT}/models/{version.public_id}").json()
    assert one["are_open"] is True
    assert {"accuracy", "safety", "origin"} <= {each["name"] for each in one["gates"]}
    assert one["serving"]["artifact"] == stage.serving.artifact

    found = client.get(f"{ROOT}/models/{version.public_id}/comparison").json()["comparison"]
    assert (found["right_before"], found["right_after"]) == (36, 42)
    assert {each["change"] for each in found["changes"]} == {"better"}
    assert found["changes"][0]["before"] == "Nonsense."


def test_an_experiment_says_what_decides_and_what_is_missing(
    stage: Stage, experiment: Experiment
) -> None:
    client = inside("Trainer", bots=[stage.bot])
    listed = client.get(f"{ROOT}/bots/{stage.bot.public_id}/experiments").json()["results"]
    assert [each["id"] for each in listed] == [str(experiment.public_id)]

    found = client.get(f"{ROOT}/experiments/{experiment.public_id}").json()

    assert (found["experiment"]["verdict"], found["looks_taken"], found["looks"]) == (
        "running", 0, 5,
    )  # fmt: skip
    assert (found["to_next_look"], found["to_last_look"]) == (20, 100)
    assert found["resolved"]["difference"]["value"] is None
    assert {"handoff", "rating", "wait_p95"} <= {each["name"] for each in found["beside"]}


def test_what_serves_where(stage: Stage) -> None:
    pk = stage.serving.pk
    reporting.report(
        Runner("r", "shelf", 7), [State(stage.bot.pk, RunnerReport.State.SERVING, pk, pk)]
    )
    client = inside("Trainer", bots=[stage.bot])
    runner = client.get(f"{ROOT}/bots/{stage.bot.public_id}/runners").json()["results"][0]
    assert (runner["host"], runner["state"], runner["serving"]["version"]) == (
        "shelf", "serving", 1,
    )  # fmt: skip
    deployed = client.get(f"{ROOT}/bots/{stage.bot.public_id}/deployments").json()["results"]
    assert [(each["version"], each["is_active"]) for each in deployed] == [(1, True)]


def test_foreign_and_missing_are_the_same(
    stage: Stage, version: ModelVersion, experiment: Experiment
) -> None:
    client = inside("Trainer", bots=[BotFactory()])
    for address in everything(stage.bot, version, experiment):
        foreign = client.get(address)
        missing = client.get(UUID.sub(str(uuid.UUID(int=4)), address))
        assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert client.get(f"{ROOT}/models/nonsense").status_code == 404


def test_it_takes_the_permission_and_the_second_factor(
    stage: Stage, version: ModelVersion, experiment: Experiment, settings: Any
) -> None:
    addresses = everything(stage.bot, version, experiment)
    agent = inside("Agent", bots=[stage.bot])
    assert {agent.get(each).status_code for each in addresses} == {401}
    assert {Client().get(each).status_code for each in addresses} == {401}
    settings.SECOND_FACTOR = "required"
    trainer = inside("Trainer", bots=[stage.bot])
    assert {trainer.get(each).status_code for each in addresses} == {401}


def test_texts_are_for_who_may_look_at_evaluations(stage: Stage, version: ModelVersion) -> None:
    client = Client()
    client.force_login(
        candidates.person("clerk", stage.bot, "view_modelversion", "work_on_all_bots")
    )
    found = client.get(f"{ROOT}/models/{version.public_id}/comparison").json()["comparison"]
    assert (found["total"], found["changes"]) == (46, None)
