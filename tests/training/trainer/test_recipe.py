import tomllib
from typing import Any

import pytest

from training.trainer import recipe
from training.trainer.recipe import RecipeError


@pytest.mark.parametrize("name", recipe.names())
def test_shipped_recipe_is_read_and_survives_json(name: str) -> None:
    loaded = recipe.load(name)
    assert loaded.name == name
    assert recipe.parse(loaded.as_dict()) == loaded


@pytest.mark.parametrize("name", recipe.names())
def test_shipped_recipe_says_what_it_is_for(name: str) -> None:
    assert recipe.load(name).description.endswith(".")


def test_all_named_recipes_ship() -> None:
    assert {"smollm2_cpu", "qwen2.5_7b_lora_24gb", "tiny_test"} <= set(recipe.names())


@pytest.mark.parametrize("style", ["number", "words", "plain", "questions"])
def test_every_style_is_read(style: str) -> None:
    assert recipe.load("tiny_test", {"data.style": style}).data.style == style


def test_overrides_change_one_field_each() -> None:
    plain = recipe.load("tiny_test")
    changed = recipe.load("tiny_test", {"optimisation.epochs": 2, "method": "full"})
    assert (changed.optimisation.epochs, changed.method) == (2, "full")
    assert changed.lora == plain.lora


def test_recipe_that_was_frozen_before_a_field_came_is_read() -> None:
    changed = recipe.load("tiny_test", {"tensorboard": True})
    stored = changed.as_dict()
    assert stored.pop("tensorboard") is True
    assert recipe.parse(stored) == recipe.load("tiny_test")


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"optimisation.epoch": 2}, "optimisation.epoch"),
        ({"speed": 2}, "speed"),
        ({"tensorboard": "yes"}, "tensorboard"),
        ({"optimisation.batch_size": 0}, "batch_size"),
        ({"optimisation.batch_size": 2.5}, "batch_size"),
        ({"optimisation.batch_size": True}, "batch_size"),
        ({"optimisation.learning_rate": "fast"}, "learning_rate"),
        ({"optimisation.warmup_share": 1.0}, "warmup_share"),
        ({"data.hard_share": 1.5}, "hard_share"),
        ({"data.candidates": 12}, "candidates"),
        ({"data.style": "poem"}, "questions, not 'poem'"),
        ({"lora.rank": 0}, "lora.rank"),
        ({"lora.targets": 3}, "lora.targets"),
        ({"method": "magic"}, "method"),
        ({"data": 3}, "data"),
    ],
)
def test_what_a_recipe_cannot_be_is_refused_by_name(overrides: dict[str, Any], named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        recipe.load("tiny_test", overrides)


def test_contradiction_names_both_fields() -> None:
    with pytest.raises(RecipeError, match=r"full.*lora\.dora"):
        recipe.load("tiny_test", {"method": "full", "lora.dora": True})


def test_unknown_recipe_names_those_there_are() -> None:
    with pytest.raises(RecipeError, match="tiny_test"):
        recipe.load("../secrets")


def test_recipe_file_holds_no_field_twice_under_another_name() -> None:
    for name in recipe.names():
        stored = tomllib.loads((recipe.FOLDER / f"{name}.toml").read_text("utf-8"))
        assert "name" not in stored, "the file's name is the recipe's"
