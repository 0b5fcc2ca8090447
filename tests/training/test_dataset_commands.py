"""Datasets from the command line: imported, reported, frozen, compared, exported."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.factories import BotFactory
from training.models import Dataset, DatasetVersion, Example
from training.services import freezing

pytestmark = pytest.mark.django_db

ROWS = [
    {"context": "用户:我的订单什么时候到?\n客服:", "response": "三天。", "category": "物流"},
    {"context": "User: How long?\nAgent: Three days.\nUser: To 13812345678?\nAgent:",
     "response": "Yes."},
]  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    BotFactory(slug="shop")
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(ROWS), encoding="utf-8")
    return path


def run(*arguments: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(*map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def imported(file: Path, *more: str) -> tuple[str, str]:
    return run("import_dataset", file, "--dataset", "talks", "--bot", "shop", *more)


def test_an_import_makes_the_dataset(file: Path) -> None:
    out, _err = imported(file, "--licence", "MIT", "--source", "guide")

    assert "2 new, 0 there already." in out
    assert "masked in 1 rows: phone 1" in out
    assert "2 examples written to the dataset 'talks'." in out
    first, second = Dataset.objects.get(slug="talks").examples.all()
    assert (first.locale, first.scenario, first.licence) == ("zh-hans", "delivery", "MIT")
    assert [each["content"] for each in second.messages] == [
        "How long?", "Three days.", "To [PHONE_1]?", "Yes.",
    ]  # fmt: skip
    assert "0 new, 2 there already." in run("import_dataset", file, "--dataset", "talks")[0]


def test_a_dry_run_writes_nothing(file: Path) -> None:
    out, _err = imported(file, "--dry-run")

    assert "2 new" in out
    assert "Nothing was changed." in out
    assert not Dataset.objects.exists()


def test_one_problem_and_nothing_is_imported(file: Path) -> None:
    file.write_text(json.dumps([*ROWS, {"context": "User:", "response": "Yes."}, 5]))
    err = io.StringIO()

    with pytest.raises(CommandError, match="Nothing was imported"):
        call_command(
            "import_dataset", file, "--dataset", "talks", "--bot", "shop",
            stdout=io.StringIO(), stderr=err,
        )  # fmt: skip

    assert "line 3: There is no question." in err.getvalue()
    assert "line 4: An object was expected." in err.getvalue()
    assert not Dataset.objects.exists()

    assert "2 examples written" in imported(file, "--skip-problems", "--draft")[0]
    assert set(Example.objects.values_list("status", flat=True)) == {"draft"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "x", "--bot", "nobody"], "There is no bot 'nobody'."),
        (["--dataset", "no slug", "--bot", "shop"], "short name is of letters"),
        (["--dataset", "x"], "There is no bot 'demo'."),
    ],
)
def test_imports_need_a_bot_and_a_name(file: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run("import_dataset", file, *arguments)


def test_a_dataset_is_not_given_to_another_bot(file: Path) -> None:
    imported(file)
    BotFactory(slug="other")

    with pytest.raises(CommandError, match="belongs to another bot"):
        run("import_dataset", file, "--dataset", "talks", "--bot", "other")


def test_what_cannot_be_read_is_told(file: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        imported(file.parent / "gone.json")
    file.write_text("[1, ")
    with pytest.raises(CommandError, match="This is no JSON"):
        imported(file)


@pytest.mark.parametrize("form", ["messages", "context", "sharegpt", "alpaca", "csv", "xlsx"])
def test_what_is_exported_can_be_imported(file: Path, form: str) -> None:
    imported(file)
    path = file.parent / f"out.{'json' if form not in ('csv', 'xlsx') else form}"

    run("export_dataset", "talks", "--format", form, "--output", path)

    assert "0 new, 2 there already." in run("import_dataset", path, "--dataset", "talks")[0]


def test_an_export_is_printed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported(file)
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed))

    run("export_dataset", "talks")

    assert json.loads(printed.getvalue().splitlines()[0])["scenario"] == "delivery"


def test_versions_are_frozen_and_compared(file: Path) -> None:
    imported(file)
    out, _err = run("freeze_dataset", "talks", "--note", "first")
    version = DatasetVersion.objects.get()
    assert f"talks v1: 2 train, 0 dev, 0 test, sha256 {version.sha256}" in out
    assert version.note == "first"
    file.write_text(json.dumps([{"question": "Why?", "answer": "So."}]))
    imported(file)
    Example.objects.filter(locale="zh-hans").delete()
    run("freeze_dataset", "talks")

    out, _err = run("diff_dataset", "talks", 1, 2)

    assert "1 added, 1 removed, 0 changed, 0 in another split" in out
    assert "+ Why? -> So." in out
    assert "- 我的订单什么时候到? -> 三天。" in out

    path = freezing.path_of(version)
    path.chmod(0o644)
    path.write_text("")
    with pytest.raises(CommandError, match="not what was frozen"):
        run("diff_dataset", "talks", 1, 2)


def test_a_report_says_what_there_is(file: Path) -> None:
    imported(file)

    out, _err = run("dataset_report", "talks")
    assert "pairs            1 of 2000 recommended" in out
    assert "scenarios        delivery 1, other 1" in out
    out, _err = run("dataset_report", "talks", "--json")
    assert json.loads(out)["dialogues"] == 1


def test_nothing_is_done_to_what_is_not_there(file: Path) -> None:
    for command in ("freeze_dataset", "dataset_report", "export_dataset"):
        with pytest.raises(CommandError, match="There is no dataset 'talks'"):
            run(command, "talks")
    with pytest.raises(CommandError, match="no version 1"):
        run("diff_dataset", "talks", 1, 2)
    imported(file)
    Example.objects.update(status="draft")
    with pytest.raises(CommandError, match="no approved example"):
        run("freeze_dataset", "talks")
