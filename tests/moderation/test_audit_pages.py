"""The audit trail on its page, on the command line and told elsewhere."""

import io
import itertools
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from csbot.checks import check_audit
from moderation.actors import Actor
from moderation.models import AuditEntry
from moderation.services import audit, witness

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "admin:moderation_auditentry_changelist"


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.VAR_DIR = tmp_path
    # Whatever other tests wrote: a checkpoint is made where one is meant.
    monkeypatch.setattr(audit, "_written", itertools.count(1))
    settings.SECOND_FACTOR = "optional"


def auditor(client: Client, *codenames: str) -> Client:
    user = User.objects.create_user("auditor", password="x" * 12, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


@pytest.fixture
def page(client: Client) -> Client:
    return auditor(client, "view_auditentry", "export_audit", "verify_audit")


def write(action: str, *, bot: str = "shop", target: str = "thing:1", name: str = "ann") -> None:
    with transaction.atomic():
        audit.record(action, bot=bot, target=target, by=Actor("person", "1", name))


def shown(page: Client, **filters: str) -> list[str]:
    return [entry.action for entry, _ in page.get(reverse(LIST), filters).context["rows"]]


def test_entries_are_narrowed_by_every_field(page: Client) -> None:
    write("answer.saved")
    write("answer.removed", bot="other", target="answer:2", name="bob")
    assert set(shown(page)) >= {"answer.removed", "answer.saved"}
    assert shown(page, action="answer.s") == ["answer.saved"]
    assert shown(page, actor="bob") == ["answer.removed"]
    assert shown(page, target="answer:") == ["answer.removed"]
    assert shown(page, bot="other") == ["answer.removed"]
    assert shown(page, last="2020-01-01") == []
    assert shown(page, first="yesterday") == []


def test_a_long_trail_is_read_in_steps(page: Client) -> None:
    for number in range(52):
        write("thing.done", target=f"thing:{number}")
    first = page.get(reverse(LIST), {"action": "thing"})
    assert len(first.context["rows"]) == 50
    rest = page.get(reverse(LIST), {"action": "thing", "before": first.context["older"]})
    assert [entry.target for entry, _ in rest.context["rows"]] == ["thing:1", "thing:0"]


def test_an_entry_shows_its_facts_and_no_markup(page: Client) -> None:
    write("thing.done", name="<script>alert(1)</script>")
    entry = AuditEntry.objects.get(action="thing.done")
    found = page.get(reverse("admin:moderation_auditentry_change", args=[entry.pk]))
    assert "<script>alert(1)" not in found.content.decode()
    assert bytes(entry.digest or b"").hex() in found.content.decode()


def test_nobody_changes_it_here(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"))
    write("thing.done")
    entry = AuditEntry.objects.get(action="thing.done")
    for name, args in (("add", []), ("change", [entry.pk]), ("delete", [entry.pk])):
        address = reverse(f"admin:moderation_auditentry_{name}", args=args)
        assert client.post(address, {"action": "x", "post": "yes"}).status_code in (403, 404)
    client.post(
        reverse(LIST), {"action": "delete_selected", "_selected_action": entry.pk, "post": "yes"}
    )
    assert AuditEntry.objects.get(pk=entry.pk).action == "thing.done"


@pytest.mark.parametrize(
    ("held", "open_"),
    [
        ((), []),
        (("view_auditentry",), ["list"]),
        (("view_auditentry", "verify_audit"), ["list", "verify"]),
        (("view_auditentry", "export_audit"), ["list", "export"]),
    ],
)
def test_each_page_wants_its_right(client: Client, held: Any, open_: list[str]) -> None:
    client = auditor(client, *held)
    pages = {
        "list": reverse(LIST),
        "verify": reverse("admin:moderation_verify_audit"),
        "export": reverse("admin:moderation_export_audit"),
    }
    # Within ten minutes of a sign-in nothing is asked again.
    session: Any = client.session
    session["confirmed_at"] = 9e12
    session.save()
    assert [name for name, where in pages.items() if client.get(where).status_code == 200] in (
        open_, [name for name in open_ if name != "export"],
    )  # fmt: skip


def test_one_click_says_whether_it_holds(page: Client) -> None:
    write("thing.done")
    audit.make_checkpoint()
    where = reverse("admin:moderation_verify_audit")
    assert page.post(where).context["found"].checkpoints == 1
    seq = AuditEntry.objects.get(action="thing.done").seq
    AuditEntry.objects.filter(seq=seq).update(bot="another")
    assert page.post(where).context["broken"].seq == seq
    assert AuditEntry.objects.filter(action="audit.verified").count() == 2


def test_an_export_is_checked_without_the_database(tmp_path: Path) -> None:
    for _ in range(3):
        write("thing.done")
    audit.make_checkpoint()
    place = tmp_path / "audit.jsonl"
    call_command("export_audit", output=place)
    out = io.StringIO()
    call_command("verify_audit", export=place, stdout=out)
    assert "4 entries are what was written" in out.getvalue()
    place.write_text(place.read_text().replace('"bot": "shop"', '"bot": "pohs"', 1))
    with pytest.raises(CommandError, match="entry 1"):
        call_command("verify_audit", export=place)


def test_the_command_names_the_entry_and_believes_checkpoints_kept_elsewhere(
    tmp_path: Path,
) -> None:
    write("thing.done")
    write("thing.done")
    audit.make_checkpoint()
    kept = tmp_path / "elsewhere.jsonl"
    kept.write_text(audit.checkpoints_file().read_text())
    audit.checkpoints_file().unlink()
    AuditEntry.objects.filter(seq=2).delete()
    with pytest.raises(CommandError, match="entry 2"):
        call_command("verify_audit", checkpoints=kept)


def test_the_newest_checkpoint_is_told_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AUDIT_WEBHOOK = "https://witness.example/csbot"
    told: list[dict[str, Any]] = []
    status = [503, 200]

    def post(address: str, *, json: dict[str, Any], **_: Any) -> httpx.Response:
        told.append(json)
        return httpx.Response(status.pop(0), request=httpx.Request("POST", address))

    monkeypatch.setattr(httpx, "post", post)
    assert not witness.tell(), "there is nothing to tell yet"
    write("thing.done")
    audit.make_checkpoint()
    assert [witness.tell(), witness.tell(), witness.tell()] == [False, True, False]
    assert told[0] == told[1]
    assert told[1]["seq"] == 1
    assert told[1]["public_key"] == audit.signer().public_key
    assert json.loads(audit.checkpoints_file().read_text())["signature"] == told[1]["signature"]


def test_a_process_that_writes_much_signs_without_the_schedule() -> None:
    for _ in range(audit.CHECKPOINT_ENTRIES):
        write("thing.done")
    assert audit.newest_checkpoint() is not None


def test_settings_that_cannot_work_are_told(settings: Settings) -> None:
    settings.AUDIT_KEY = "short"
    settings.AUDIT_WEBHOOK = "http://witness.example/"
    assert [each.id for each in check_audit()] == ["csbot.E013", "csbot.E014"]
