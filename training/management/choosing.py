"""Arguments that several training commands share."""

import tomllib
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from chat.models import Bot
from training.models import DatasetVersion, ModelVersion, TrainingRun
from training.services.ordering import Order, OrderRefused, make_order

RECIPE = "smollm2_cpu"


def add_order_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("dataset", nargs="?", default="", help="short name of the dataset")
    parser.add_argument(
        "--dataset-version", type=int, default=0, help="its number; default: newest"
    )
    parser.add_argument("--recipe", default=RECIPE, help=f"default: {RECIPE}")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change a field of the recipe, for example optimisation.epochs=2",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--continue-from", default="", metavar="MODEL:N", help="an earlier model")


def chosen_order(options: dict[str, Any]) -> Order:
    """What the arguments ask for. Raises :class:`CommandError`."""
    try:
        return make_order(
            _version(options["dataset"], options["dataset_version"]),
            options["recipe"],
            overrides=dict(map(_override, options["set"])),
            seed=options["seed"],
            parent=_parent(options["continue_from"]),
        )
    except OrderRefused as error:
        raise CommandError(str(error)) from error


def add_version_argument(parser: ArgumentParser) -> None:
    parser.add_argument(
        "dataset", metavar="SLUG[@N]", help="Frozen version; the newest is the default."
    )


def chosen_version(name: str) -> DatasetVersion:
    """A frozen version by SLUG, the newest, or SLUG@N. Raises :class:`CommandError`."""
    slug, _, number = name.partition("@")
    versions = DatasetVersion.objects.filter(dataset__slug=slug)
    if number.isdigit():
        versions = versions.filter(number=int(number))
    version = versions.order_by("-number").first()
    if version is None:
        raise CommandError("There is no such version: freeze the dataset first.")
    return version


def chosen_run(name: str) -> TrainingRun:
    """A run by its number or the beginning of its id. Raises :class:`CommandError`."""
    runs = TrainingRun.objects.select_related("parent", "dataset_version__dataset", "bot")
    if name.isdigit():
        found = list(runs.filter(pk=int(name)))
    else:
        found = [run for run in runs.all() if str(run.public_id).startswith(name)]
    if len(found) != 1:
        raise CommandError(f"There is no run {name!r}: see training_runs.")
    return found[0]


def chosen_model(name: str) -> ModelVersion:
    """A model version named MODEL:N. Raises :class:`CommandError`."""
    model, _, number = name.partition(":")
    versions = ModelVersion.objects.select_related(
        "run__bot", "run__dataset_version", "run__parent"
    )
    found = versions.filter(name=model, number=int(number)) if number.isdigit() else versions.none()
    if (version := found.first()) is None:
        raise CommandError(f"There is no model {name!r}: name one as MODEL:N.")
    return version


def bot_of(version: ModelVersion) -> Bot:
    """The bot that a model was trained for. Raises :class:`CommandError`."""
    if version.run is not None:
        return version.run.bot
    return chosen_bot(version.name)


def chosen_bot(slug: str) -> Bot:
    """Raises :class:`CommandError`."""
    if (bot := Bot.objects.filter(slug=slug).first()) is None:
        raise CommandError(f"There is no bot {slug!r}.")
    return bot


def chosen_person(name: str) -> User:
    """A user of the staff by user name. Raises :class:`CommandError`."""
    if (user := User.objects.filter(username=name, is_active=True).first()) is None:
        raise CommandError(f"There is no user {name!r}.")
    return user


def _version(slug: str, number: int) -> DatasetVersion:
    if not slug:
        raise CommandError("Name a dataset.")
    versions = DatasetVersion.objects.select_related("dataset__bot").filter(dataset__slug=slug)
    version = versions.filter(number=number).first() if number else versions.first()
    if version is None:
        raise CommandError(f"There is no such version of {slug!r}: freeze one (freeze_dataset).")
    return version


def _parent(name: str) -> ModelVersion | None:
    if not name:
        return None
    model, _, number = name.partition(":")
    if not number.isdigit():
        raise CommandError("Name the earlier model as MODEL:N, for example demo:3.")
    version = ModelVersion.objects.filter(name=model, number=int(number)).first()
    if version is None or not version.weights:
        raise CommandError(f"There are no weights of a model {name!r}.")
    return version


def _override(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign:
        raise CommandError(f"Write {text!r} as FIELD=VALUE.")
    return name.strip(), _value(value.strip())


def _value(text: str) -> Any:
    """As TOML reads it; what is no TOML value is a text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
