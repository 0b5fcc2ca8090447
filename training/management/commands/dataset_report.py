"""How good a dataset is."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from training.models import Dataset
from training.quality.report import RECOMMENDED_DIALOGUES, RECOMMENDED_PAIRS, Report
from training.services import freezing


class Command(BaseCommand):
    help = "Say what is in a dataset's approved examples, and what is wrong with them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dataset", help="short name of the dataset")
        parser.add_argument("--json", action="store_true", help="all of it, for other programs")

    def handle(self, *args: Any, **options: Any) -> None:
        dataset = Dataset.objects.select_related("bot").filter(slug=options["dataset"]).first()
        if dataset is None:
            raise CommandError(f"There is no dataset {options['dataset']!r}.")
        report = freezing.report(dataset)
        if options["json"]:
            self.stdout.write(json.dumps(report.to_json(), ensure_ascii=False, indent=1))
            return
        for line in _lines(report):
            self.stdout.write(line)


def _lines(report: Report) -> list[str]:
    def counts(values: Any) -> str:
        return ", ".join(f"{name or '-'} {count}" for name, count in values.items()) or "none"

    asked, answered = report.question_lengths, report.answer_lengths
    return [
        f"pairs            {report.pairs} of {RECOMMENDED_PAIRS} recommended",
        f"dialogues        {report.dialogues} of {RECOMMENDED_DIALOGUES} recommended",
        f"hand-overs       {report.hand_overs} ({report.hand_over_percent:.1f} %)",
        f"answer groups    {report.groups}, {report.small_groups} of them small",
        f"uneven groups    {report.uneven_groups}",
        f"scenarios        {counts(report.scenarios)}",
        f"languages        {counts(report.locales)}",
        f"near-duplicates  {report.near_duplicates}",
        *(f"    {each.first!r} ~ {each.second!r}" for each in report.alike),
        f"contradictions   {report.contradictions}",
        *(f"    {each.question!r}: {' / '.join(each.answers)}" for each in report.contradicting),
        f"question length  {asked.median} characters, longest {asked.most}",
        f"answer length    {answered.median} characters, longest {answered.most}",
        f"to be masked     {counts(report.unmasked)}",
    ]
