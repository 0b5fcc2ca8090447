"""Ask a model the held-out questions of a dataset, and print what changed."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from chat.inference import artifacts
from chat.inference.engine import EngineError
from chat.knowledge.embedding import EmbeddingError
from training import comparisons
from training.evaluation.targets import targets
from training.frozen import DatasetDamaged
from training.models import DatasetVersion, Evaluation, ModelVersion
from training.services import evaluating, responders, suites
from training.services.evaluating import Outdated, Scope, Subject


class Command(BaseCommand):
    help = (
        "Ask an exported model the held-out questions of a frozen dataset, store all answers, and "
        "print the figures beside those of the base. Exit code 1 when a target is missed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dataset", required=True, metavar="SLUG[@N]", help="frozen version")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--model-version", metavar="MODEL:N", help="a model trained here")
        which.add_argument("--artifact", help="a folder below var/models/serving")
        parser.add_argument("--base", action="store_true", help="evaluate the base model first")
        parser.add_argument("--split", default="test", choices=["dev", "test"])
        parser.add_argument("--limit", type=int, default=0, help="so many questions; 0: all")
        parser.add_argument("--no-suites", action="store_true", help="try no attacks")
        parser.add_argument("--strict", action="store_true", help="fail when a target is missed")

    def handle(self, *args: Any, **options: Any) -> None:
        version = _version(options["dataset"])
        model = _model(options["model_version"]) if options["model_version"] else None
        before = self._base(version, model, options) if options["base"] else None
        artifact = model.artifact if model else options["artifact"]
        if artifact is None:
            if before is None:
                raise CommandError("Name a --model-version, an --artifact or --base.")
            self._print(before, None)
            return
        subject = Subject(artifact, model, baseline=before)
        after = self._evaluate(subject, version, options)
        self._print(after, before or comparisons.comparable(after).first())
        if options["strict"] and any(
            each.is_met is False for each in targets(after.figures, after.suites)
        ):
            raise CommandError("A target is missed.")

    def _base(
        self, version: DatasetVersion, model: ModelVersion | None, options: dict[str, Any]
    ) -> Evaluation:
        name = model.base if model else settings.CHAT_MODEL
        artifact = f"{name}-{settings.CHAT_PRECISION}"
        return self._evaluate(Subject(artifact), version, options)

    def _evaluate(
        self, subject: Subject, version: DatasetVersion, options: dict[str, Any]
    ) -> Evaluation:
        bot = version.dataset.bot
        tried = {} if options["no_suites"] else suites.of_bot(bot)
        scope = Scope(version, options["split"], options["limit"], tried)
        place = settings.MODELS_DIR / "serving" / subject.artifact
        try:
            with (
                responders.opening(bot, version=subject.model_version)(place) as opened,
                tqdm(desc=subject.artifact, unit="question", disable=None, file=self.stderr) as bar,
            ):

                def advance(done: int, total: int) -> None:
                    bar.total = total
                    bar.update(done - bar.n)

                return evaluating.evaluate(
                    subject,
                    scope,
                    opened.responder,
                    embedder=opened.embedder,
                    advance=advance,
                )
        except (
            artifacts.ArtifactError,
            EngineError,
            EmbeddingError,
            DatasetDamaged,
            Outdated,
        ) as error:
            raise CommandError(str(error)) from error

    def _print(self, after: Evaluation, before: Evaluation | None) -> None:
        earlier = targets(before.figures, before.suites) if before else []
        was = {each.name: each.value for each in earlier}
        self.stdout.write(f"{after.artifact} on {after.dataset_version}, {after.split}")
        if before:
            self.stdout.write(f"before: {before.artifact}")
        self.stdout.write(f"{'':24}{'before':>10}{'now':>10}{'target':>12}")
        for each in targets(after.figures, after.suites):
            sign = "<=" if each.is_lower_better else ">="
            state = {True: "", False: "  missed", None: ""}[each.is_met]
            self.stdout.write(
                f"{each.name:24}{_said(was.get(each.name)):>10}{_said(each.value):>10}"
                f"{sign:>7} {each.limit:<6}{state}"
            )
        accuracy = after.figures["accuracy"]
        self.stdout.write(
            f"{accuracy['handed_over']} handed over needlessly, "
            f"{accuracy['offered']} of them with the right answer one click away."
        )
        if before:
            found = comparisons.comparison(before, after)
            for scenario in found.scenarios:
                self.stdout.write(
                    f"  {scenario.scenario:22}{scenario.before:>10.3f}{scenario.after:>10.3f}"
                    f"   of {scenario.total}"
                )
            self.stdout.write(f"{len(found.changed)} answers changed.")


def _version(name: str) -> DatasetVersion:
    slug, _, number = name.partition("@")
    versions = DatasetVersion.objects.select_related("dataset__bot").filter(dataset__slug=slug)
    found = versions.filter(number=int(number)) if number.isdigit() else versions
    if (version := found.first()) is None:
        raise CommandError(f"There is no frozen dataset {name!r}: see freeze_dataset.")
    return version


def _model(name: str) -> ModelVersion:
    model, _, number = name.partition(":")
    versions = ModelVersion.objects.select_related("run").filter(name=model)
    found = versions.filter(number=int(number)) if number.isdigit() else versions
    if (version := found.first()) is None:
        raise CommandError(f"There is no model {name!r}: name one as MODEL:N.")
    return version


def _said(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
