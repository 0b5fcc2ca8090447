"""The pages of datasets, examples and versions: each works, and is closed without the right."""

import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.contrib.auth.models import Permission, User
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from guardian.shortcuts import assign_perm

from chat.models import CuratedAnswer
from tests.factories import BotFactory, DatasetFactory
from training.console import datasets as pages
from training.formats import Contents, Entry, Turn
from training.models import Dataset, DatasetVersion, Example
from training.services import freezing, importing

pytestmark = pytest.mark.django_db

LIST, CHANGE = "training_dataset_changelist", "training_dataset_change"
EXAMPLES, EXAMPLE = "training_example_changelist", "training_example_change"
VERSIONS, VERSION = "training_datasetversion_changelist", "training_datasetversion_change"


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def dataset() -> Dataset:
    dataset = DatasetFactory(slug="talks", name="Talks")
    add(
        dataset,
        ("How long?", "Three days."),
        ("多久能到？", "三天。"),
        ("Why?", "So.", "No?", "No."),
    )
    return dataset


def add(dataset: Dataset, *conversations: tuple[str, ...], **fields: Any) -> None:
    rows = tuple(
        Entry(
            tuple(Turn("assistant" if n % 2 else "user", text) for n, text in enumerate(said)),
            **fields,
        )
        for said in conversations
    )
    plan = importing.plan(dataset.bot, Contents(rows, ()), dataset=dataset)
    importing.carry_out(dataset, plan, author=None)


def freeze(dataset: Dataset) -> DatasetVersion:
    return freezing.freeze(dataset, author=None)


def url(name: str, *arguments: Any) -> str:
    return reverse(f"admin:{name}", args=arguments)


def staff(client: Client, *permissions: str) -> Client:
    user = User.objects.create_user("ann", password="x" * 12, is_staff=True)
    codenames = (*permissions, "work_on_all_bots", "export_dataset")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


def opened(dataset: Dataset) -> list[str]:
    version = freeze(dataset)
    example = dataset.examples.first()
    assert example is not None
    return [
        url(LIST), url("training_dataset_add"), url(CHANGE, dataset.pk),
        url("training_import", dataset.pk), url("training_export", dataset.pk),
        url("training_report", dataset.pk), url(EXAMPLES), url("training_example_add"),
        url(EXAMPLE, example.pk), url(VERSIONS), url(VERSION, version.pk),
    ]  # fmt: skip


def test_every_page_is_closed_to_staff_without_the_right(client: Client, dataset: Dataset) -> None:
    closed = [*opened(dataset), url("training_freeze", dataset.pk)]

    assert {client.get(page).status_code for page in closed} == {302}
    assert {client.post(page).status_code for page in closed} == {302}
    staff(client)
    assert {client.get(page).status_code for page in closed} == {403}
    assert {client.post(page).status_code for page in closed} == {403}
    assert DatasetVersion.objects.count() == 1


def test_those_who_may_look_change_nothing(client: Client, dataset: Dataset) -> None:
    example = dataset.examples.first()
    assert example is not None
    version = freeze(dataset)
    staff(client, "view_dataset", "view_example", "view_datasetversion")

    page = client.get(url(EXAMPLE, example.pk)).text
    assert "User:How long?" in page
    assert "conversation_text" not in page
    assert client.post(url(EXAMPLE, example.pk), {}).status_code == 403
    page = client.get(url(CHANGE, dataset.pk)).text
    assert "Import examples" not in page
    assert "Freeze a version" not in page
    assert client.post(url("training_freeze", dataset.pk)).status_code == 403
    assert client.get(url("training_import", dataset.pk)).status_code == 403
    for forbidden in (VERSION, CHANGE, EXAMPLE):
        delete = forbidden.replace("change", "delete")
        pk = {VERSION: version, CHANGE: dataset, EXAMPLE: example}[forbidden].pk
        assert client.post(url(delete, pk), {"post": "yes"}).status_code == 403


def test_what_was_said_is_for_those_who_may_read_examples(client: Client, dataset: Dataset) -> None:
    add(dataset, ("How long??", "My secret answer."))
    first = freeze(dataset)
    add(dataset, ("What else?", "Another secret answer."))
    second = freeze(dataset)
    staff(client, "view_dataset", "view_datasetversion", "add_datasetversion")
    both = (url(VERSION, second.pk), url(VERSION, first.pk), url(CHANGE, dataset.pk))

    assert all("secret answer" not in client.get(page).text for page in both)
    assert client.get(url("training_report", dataset.pk)).status_code == 403
    assert client.get(url("training_export", dataset.pk)).status_code == 403
    User.objects.get().user_permissions.add(Permission.objects.get(codename="view_example"))
    assert "Another secret answer" in client.get(url(VERSION, second.pk)).text
    assert "My secret answer" in client.get(url("training_report", dataset.pk)).text


def test_every_page_opens(admin_client: Client, dataset: Dataset) -> None:
    for page in opened(dataset):
        assert admin_client.get(page).status_code == 200, page
    for name in ("training_import", "training_export", "training_report", "training_freeze"):
        assert admin_client.get(url(name, 999)).status_code == 404


def test_empty_pages_open(admin_client: Client) -> None:
    dataset = DatasetFactory()

    page = admin_client.get(url(CHANGE, dataset.pk)).text
    assert "Nothing was frozen yet." in page
    assert "There is nothing yet." in page
    assert "A version needs approved examples" in page
    assert "no approved example" in admin_client.get(url("training_report", dataset.pk)).text
    page = admin_client.post(url("training_freeze", dataset.pk), follow=True).text
    assert "There is no approved example in this dataset." in page


@pytest.mark.parametrize(("page", "most"), [(LIST, 8), (EXAMPLES, 10), (VERSIONS, 8), (CHANGE, 14)])
def test_pages_ask_no_more_for_more_rows(
    admin_client: Client,
    dataset: Dataset,
    page: str,
    most: int,
    django_assert_max_num_queries: Any,
) -> None:
    where = url(page, dataset.pk) if page == CHANGE else url(page)
    freeze(dataset)
    counts = []
    for rows in (0, 2):
        for number in range(rows):
            add(dataset, (f"Question {number}?", "Yes."))
            freeze(dataset)
            DatasetFactory()
        with django_assert_max_num_queries(most) as asked:
            admin_client.get(where)
        counts.append(len(asked))
    assert counts[0] == counts[1]


# Datasets


def test_a_dataset_is_made_and_keeps_its_name(admin_client: Client, admin_user: User) -> None:
    bot, other = BotFactory(), BotFactory()
    fields = {"name": "Talks", "slug": "talks", "bot": bot.pk, "description": ""}
    admin_client.post(url("training_dataset_add"), fields)

    dataset = Dataset.objects.get()
    assert (dataset.slug, dataset.bot, dataset.created_by) == ("talks", bot, admin_user)
    changed = {**fields, "name": "New", "slug": "new", "bot": other.pk}
    admin_client.post(url(CHANGE, dataset.pk), changed)
    dataset.refresh_from_db()
    assert (dataset.name, dataset.slug, dataset.bot) == ("New", "talks", bot)


def test_a_dataset_that_was_frozen_stays(admin_client: Client, dataset: Dataset) -> None:
    version = freeze(dataset)

    assert admin_client.post(url("training_dataset_delete", dataset.pk)).status_code == 403
    version.delete()
    admin_client.post(url("training_dataset_delete", dataset.pk), {"post": "yes"})
    assert not Dataset.objects.exists()


def test_a_dataset_is_frozen_from_its_page(
    admin_client: Client, admin_user: User, dataset: Dataset
) -> None:
    assert admin_client.get(url("training_freeze", dataset.pk)).status_code == 302
    assert not DatasetVersion.objects.exists()

    page = admin_client.post(url("training_freeze", dataset.pk), {"note": "first"}, follow=True)

    version = DatasetVersion.objects.get()
    assert (version.note, version.created_by) == ("first", admin_user)
    assert "Version 1 is frozen." in page.text
    assert "This is the first version." in page.text
    page = admin_client.post(url("training_freeze", dataset.pk), {"note": "again"}, follow=True)
    assert "Nothing changed since: this is version 1." in page.text


def test_what_must_not_be_learnt_is_not_frozen(admin_client: Client, dataset: Dataset) -> None:
    example = dataset.examples.all()[0]
    example.messages[0]["content"] = "call 13812345678"
    example.save()

    page = admin_client.post(url("training_freeze", dataset.pk), follow=True).text
    assert "phone (1)" in page
    assert str(example.public_id) in page
    assert "Not masked" in admin_client.get(url("training_report", dataset.pk)).text


def test_versions_are_compared(admin_client: Client, dataset: Dataset) -> None:
    first = freeze(dataset)
    add(dataset, ("A <b>new</b> question?", "Yes."))
    freeze(dataset)
    Example.objects.filter(messages__0__content="Why?").delete()
    last = freeze(dataset)

    page = admin_client.get(url(VERSION, last.pk))
    assert (len(page.context["added"]), len(page.context["removed"])) == (0, 1)
    page = admin_client.get(url(VERSION, last.pk), {"against": first.number})
    assert (len(page.context["added"]), len(page.context["removed"])) == (1, 1)
    assert "A &lt;b&gt;new&lt;/b&gt; question?" in page.text

    path = freezing.path_of(first)
    path.chmod(0o644)
    path.write_text("")
    page = admin_client.get(url(VERSION, last.pk), {"against": first.number})
    assert "not what was frozen" in page.text


# Files


def upload(
    client: Client, dataset: Dataset, content: bytes, name: str = "a.json", **more: Any
) -> Any:
    data = {"file": SimpleUploadedFile(name, content), "status": "draft", **more}
    return client.post(url("training_import", dataset.pk), data)


ROW = {
    "context": "用户:我的电话是13812345678\n客服:", "response": "谢谢。", "category": "物流",
}  # fmt: skip


def test_an_import_is_looked_at_before_it_counts(
    admin_client: Client, admin_user: User, dataset: Dataset
) -> None:
    page = upload(
        admin_client, dataset, json.dumps([ROW]).encode(), licence="MIT", status="approved"
    )

    assert "我的电话是[PHONE_1]" in page.text
    assert "13812345678" not in page.text
    assert "What masking changed" in page.text
    assert "context and response" in page.text
    assert dataset.examples.count() == 3
    rows = page.context["rows"]
    assert "13812345678" not in str(signing.loads(rows, salt=pages._SALT))
    page = admin_client.post(url("training_import", dataset.pk), {"rows": rows}, follow=True)

    assert "1 example written." in page.text
    example = dataset.examples.latest("id")
    assert example.question == "我的电话是[PHONE_1]"
    assert (example.scenario, example.licence, example.status) == ("delivery", "MIT", "approved")
    assert (example.author, example.reviewer, example.locale) == (admin_user, admin_user, "zh-hans")
    admin_client.post(url("training_import", dataset.pk), {"rows": rows})
    assert dataset.examples.count() == 4


def test_a_file_with_a_problem_cannot_be_confirmed(admin_client: Client, dataset: Dataset) -> None:
    page = upload(admin_client, dataset, json.dumps([ROW, {}]).encode())

    assert "These rows cannot be imported" in page.text
    assert "This is no conversation" in page.text
    assert page.context["rows"] == ""
    assert 'name="rows"' not in page.text


def test_what_cannot_be_read_is_told_at_the_field(admin_client: Client, dataset: Dataset) -> None:
    assert "This is no JSON." in upload(admin_client, dataset, b"[1, ").text
    assert "The XLSX file cannot be read." in upload(admin_client, dataset, b"PK\x03\x04").text


@pytest.mark.parametrize("how", ["forged", "old", "another"])
def test_only_what_was_shown_is_written(
    admin_client: Client, dataset: Dataset, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = upload(admin_client, dataset, json.dumps([ROW]).encode()).context["rows"]
    target = dataset
    if how == "forged":
        rows += "x"
    elif how == "old":
        monkeypatch.setattr(pages, "_SIGNED_FOR_SECONDS", -1)
    else:
        target = DatasetFactory()

    page = admin_client.post(url("training_import", target.pk), {"rows": rows}, follow=True)

    assert "This preview is too old." in page.text
    assert Example.objects.count() == 3


def test_a_file_too_large_for_a_page_is_for_the_command(
    admin_client: Client, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_LARGEST_PREVIEW", 10)

    page = upload(admin_client, dataset, json.dumps([ROW]).encode()).text

    assert "with the command import_dataset" in page
    assert 'name="rows"' not in page


def test_what_is_known_need_not_be_imported(admin_client: Client, dataset: Dataset) -> None:
    row = {"question": "How long?", "answer": "Three days."}

    page = upload(admin_client, dataset, json.dumps([row]).encode()).text

    assert "Everything in the file is known already." in page


@pytest.mark.parametrize("form", ["messages", "context", "sharegpt", "alpaca", "csv", "xlsx"])
def test_exports_are_files(admin_client: Client, dataset: Dataset, form: str) -> None:
    got = admin_client.get(url("training_export", dataset.pk), {"format": form})
    content = b"".join(got)

    suffix = {"messages": "jsonl", "csv": "csv", "xlsx": "xlsx"}.get(form, f"{form}.json")
    assert f'filename="talks.{suffix}"' in got["Content-Disposition"]
    if form == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(content))
        cells = [
            str(cell) for row in book.worksheets[0].iter_rows(values_only=True) for cell in row
        ]
        content = "".join(cells).encode()
    assert "多久能到？" in content.decode()
    assert admin_client.get(url("training_export", dataset.pk), {"format": "x"}).status_code == 302


# Examples


def form(dataset: Dataset, text: str, **fields: Any) -> dict[str, Any]:
    return {
        "collection": dataset.pk, "conversation_text": text, "locale": "en", "scenario": "order",
        "status": "approved", "group": "g", "split": "", **fields,
    }  # fmt: skip


def test_an_example_is_written_and_corrected(
    admin_client: Client, admin_user: User, dataset: Dataset
) -> None:
    text = "User:Call 13812345678\r\nnow\r\nAgent:Yes."
    admin_client.post(url("training_example_add"), form(dataset, text))

    example = dataset.examples.latest("id")
    assert example.question == "Call [PHONE_1]\nnow"
    assert (example.author, example.reviewer) == (admin_user, admin_user)
    page = admin_client.get(url(EXAMPLE, example.pk)).text
    assert "User:Call [PHONE_1]\nnow\nAgent:Yes.</textarea>" in page

    better = "User: Call me\nAgent: No."
    admin_client.post(url(EXAMPLE, example.pk), form(dataset, better, status="draft"))
    example.refresh_from_db()
    assert (example.question, example.answer, example.status) == ("Call me", "No.", "draft")
    assert example.reviewer is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("User: Only a question", "does not end with an answer"),
        ("before\nUser: x\nAgent: y", "not clear who speaks"),
        ("User:what a fucking shop\nAgent:y", "does not let this pass: abuse"),
        ("User:How long?\nAgent:Three days.", "holds the same conversation already"),
        ("", "This field is required."),
    ],
)
def test_what_cannot_be_kept_is_told_in_place(
    admin_client: Client, dataset: Dataset, text: str, message: str
) -> None:
    page = admin_client.post(url("training_example_add"), form(dataset, text))

    assert page.status_code == 200
    assert message in page.text
    assert dataset.examples.count() == 3


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "HOW long"}, ["How long?"]),
        ({"q": "多久"}, ["多久能到？"]),
        ({"q": "100%"}, []),
        ({"status__exact": "draft"}, ["No?"]),
        ({"locale__exact": "zh-hans", "q": "三天"}, ["多久能到？"]),
    ],
)
def test_examples_are_found(
    admin_client: Client, dataset: Dataset, asked: dict[str, str], found: list[str]
) -> None:
    Example.objects.filter(messages__0__content="Why?").update(status="draft")

    rows = admin_client.get(url(EXAMPLES), asked).context["cl"].result_list

    assert [each.question for each in rows] == found


def test_examples_are_decided_in_the_list(
    admin_client: Client, admin_user: User, dataset: Dataset
) -> None:
    ids = list(dataset.examples.values_list("pk", flat=True))
    for action, status in (("reject", "rejected"), ("approve", "approved"), ("reopen", "draft")):
        data = {"action": action, "_selected_action": ids}
        page = admin_client.post(url(EXAMPLES), data, follow=True)

        assert "3 examples changed." in page.text
        reviewer = None if status == "draft" else admin_user.pk
        assert set(dataset.examples.values_list("status", "reviewer")) == {(status, reviewer)}


TEACHES = ("view_datasetversion", "view_example", "add_curatedanswer", "change_curatedanswer")


def test_a_version_teaches_the_bot_what_it_does_not_know(client: Client) -> None:
    dataset = DatasetFactory()
    add(dataset, ("How long?", "Three days."), ("Until when?", "Three days."), group="time")
    Example.objects.update(split="train", status="approved")
    version = freeze(dataset)
    client = staff(client, *TEACHES)
    page = client.get(url(VERSION, version.pk)).text
    assert "2 wordings that are to be learned from are not approved yet: 1 answers are new" in page

    page = client.post(url("training_teach", version.pk), follow=True).text
    assert "The bot has learned 1 answers" in page
    assert "There is nothing more to teach." in page
    (answer,) = CuratedAnswer.objects.all()
    assert (answer.bot, answer.text, answer.variants.count()) == (dataset.bot, "Three days.", 2)


@pytest.mark.parametrize("missing", TEACHES[1:])
def test_who_may_not_write_answers_teaches_no_bot(
    client: Client, dataset: Dataset, missing: str
) -> None:
    version = freeze(dataset)
    client = staff(client, *(each for each in TEACHES if each != missing))
    assert "What the bot knows of it" not in client.get(url(VERSION, version.pk)).text
    assert client.post(url("training_teach", version.pk)).status_code == 403


def test_a_dataset_without_its_bot_teaches_nobody(client: Client, dataset: Dataset) -> None:
    version = freeze(dataset)
    client = staff(client, *TEACHES)
    user = User.objects.get(username="ann")
    user.user_permissions.remove(Permission.objects.get(codename="work_on_all_bots"))
    assign_perm("training.work_on_dataset", user, dataset)
    assert client.get(url(VERSION, version.pk)).status_code == 200
    assert client.post(url("training_teach", version.pk)).status_code == 403
    assert not CuratedAnswer.objects.exists()
