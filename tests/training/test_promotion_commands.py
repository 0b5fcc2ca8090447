"""Promoting from a terminal: the same rules, and everything that decides is printed."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.training import candidates
from tests.training.candidates import Stage, knowing
from training.models import OverrideRequest

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage(settings: Any, tmp_path: Any) -> Stage:
    settings.VAR_DIR = tmp_path
    settings.MODELS_DIR = tmp_path / "models"
    return candidates.stage()


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=out)
    return out.getvalue()


def refused(*words: str) -> str:
    with pytest.raises(CommandError) as error:
        run(*words)
    return str(error.value)


def test_a_better_model_from_gates_to_roll_back(stage: Stage) -> None:
    stage.candidate(knowing(36))
    assert "+ accuracy" in run("gates", "shop:2")
    assert "shop-v2-int4 from now on" in run("promote", "shop:2", "--by", "ann")
    assert "what serves" in refused("promote", "shop:2", "--by", "ann")
    assert "shop-v1-int4 from now on" in run("roll_back", "shop", "--by", "ben")
    assert "shop-v2-int4 from now on" in run("roll_back", "shop", "--by", "ben", "--to", "2")
    assert "no deployment 9" in refused("roll_back", "shop", "--by", "ben", "--to", "9")


def test_a_worse_one_needs_two_people(stage: Stage) -> None:
    stage.candidate(knowing(20))
    assert "Closed: accuracy" in refused("gates", "shop:2")
    assert "not all open" in refused("promote", "shop:2", "--by", "ann")
    assert "Nobody has asked" in refused("promote", "shop:2", "--by", "ben", "--agree")
    asked = run("promote", "shop:2", "--by", "ann", "--override", "The old one has to go today.")
    assert "Another person" in asked
    assert "another one" in refused("promote", "shop:2", "--by", "ann", "--agree")
    assert "from now on" in run("promote", "shop:2", "--by", "ben", "--agree")
    assert OverrideRequest.objects.get().ended_at is not None


def test_what_changed_question_by_question(stage: Stage) -> None:
    stage.candidate(knowing(32))
    text = run("compare", "shop:2")
    assert "30 of 46 right before" not in text  # 30 known and 6 unknown ones
    assert "36 of 46 right before, 38 now" in text
    assert text.count("better:") == 2
    assert "Question 30?" in text
    assert "right (other): Answer g30." in text
    assert "before (wrong): Nonsense." in text
    assert "2 of" not in run("compare", "shop:2", "--only", "broke").split("now")[1]
    assert "36 of 46 right before, 38 now" in run("compare", "shop:2", "--with", "shop:1")


def test_without_the_champion_there_is_nothing_to_compare(stage: Stage) -> None:
    stage.candidate(knowing(32))
    stage.champion.evaluations.all().delete()
    assert "gates --measure" in refused("compare", "shop:2")
    # The files of this test are no model.
    assert "cannot be loaded" in refused("gates", "shop:2", "--measure")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["gates", "shop"], "MODEL:N"),
        (["promote", "shop:9", "--by", "ann"], "no model"),
        (["promote", "shop:1", "--by", "eve"], "no user"),
        (["roll_back", "other", "--by", "ann"], "no bot"),
    ],
)
def test_what_is_not_there(stage: Stage, words: list[str], why: str) -> None:
    assert why in refused(*words)


def test_deleting_takes_the_permission_and_a_model_that_nothing_needs(stage: Stage) -> None:
    stage.candidate(knowing(20))
    assert "may not" in refused("delete_model", "shop:2", "--by", "ann")
    stage.ann.is_superuser = True
    stage.ann.save()
    assert "serves a bot" in refused("delete_model", "shop:1", "--by", "ann")
    assert "deleted" in run("delete_model", "shop:2", "--by", "ann")
