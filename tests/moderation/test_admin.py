"""The console's pages of moderation: each works, and each is closed to those without the right."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from moderation.findings import Direction
from moderation.models import ModerationCase, Original, PolicyVersion, Reveal, Word
from moderation.services.screening import screen

pytestmark = pytest.mark.django_db

PHONE = "13812345678"


@pytest.fixture
def case() -> ModerationCase:
    screen(f"do you sell cocaine? {PHONE}", Direction.INBOUND, scope="a conversation")
    return ModerationCase.objects.get()


def staff(client: Client, *permissions: str) -> Client:
    user = User.objects.create_user("ann", password="x" * 12, is_staff=True)
    codenames = (*permissions, "work_on_all_bots")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


def url(name: str, *arguments: Any) -> str:
    return reverse(f"admin:moderation_{name}", args=arguments)


def test_every_page_is_closed_to_staff_without_the_right(
    client: Client, case: ModerationCase
) -> None:
    original = Original.objects.get()
    version = PolicyVersion.objects.create(number=1, rules={})
    pages = [
        url("import"), url("publish"), url("try"), url("rules"), url("activate", version.pk),
        url("resolve", case.pk), url("reveal", original.pk), url("word_changelist"),
        url("wordlistversion_changelist"), url("policyversion_changelist"),
        url("moderationcase_changelist"), url("moderationcase_change", case.pk),
        url("original_changelist"), url("original_change", original.pk), url("reveal_changelist"),
    ]  # fmt: skip

    assert {client.get(page).status_code for page in pages} == {302}
    assert {client.post(page).status_code for page in pages} == {302}
    staff(client)
    assert {client.get(page).status_code for page in pages} == {403}
    assert {client.post(page).status_code for page in pages} == {403}


def test_every_page_opens_in_both_languages(admin_client: Client, case: ModerationCase) -> None:
    original = Original.objects.get()
    for language in ("en", "zh-hans"):
        for page in (
            url("import"), url("publish"), url("try"), url("rules"), url("word_changelist"),
            url("wordlistversion_changelist"), url("policyversion_changelist"),
            url("moderationcase_changelist"), url("moderationcase_change", case.pk),
            url("original_changelist"), url("original_change", original.pk),
            url("reveal", original.pk), url("reveal_changelist"),
        ):  # fmt: skip
            answer = admin_client.get(page, headers={"Accept-Language": language})
            assert answer.status_code == 200, page


def test_try_it_explains_and_stores_nothing(admin_client: Client) -> None:
    text = f"<b>you bastard</b> {PHONE}"
    page = admin_client.post(url("try"), {"text": text, "direction": "outbound"}).content.decode()

    assert "block" in page
    assert "&lt;b&gt;you" in page
    assert "<b>you" not in page
    assert "[PHONE_1]" in page
    assert "cn_mobile" in page
    assert not ModerationCase.objects.exists()
    assert not Original.objects.exists()


def test_an_import_is_looked_at_before_it_counts(admin_client: Client) -> None:
    file = SimpleUploadedFile("list.txt", b"zorgite\n# no\nplonker,abuse\n---\n")
    answer = admin_client.post(url("import"), {"file": file, "category": "drugs"})

    assert "line 4" in answer.content.decode()
    assert not Word.objects.exists()

    admin_client.post(url("import"), {"words": answer.context["words"]})
    assert set(Word.objects.values_list("term", "category")) == {
        ("zorgite", "drugs"),
        ("plonker", "abuse"),
    }


def test_words_that_were_not_previewed_are_not_added(admin_client: Client) -> None:
    admin_client.post(url("import"), {"words": "made-up"})

    assert not Word.objects.exists()


def test_a_file_that_is_no_list_is_refused_with_a_sentence(admin_client: Client) -> None:
    file = SimpleUploadedFile("list.txt", b"\xff\xfe\x00\x00\x01")

    page = admin_client.post(url("import"), {"file": file, "category": "drugs"}).content.decode()

    assert "The file is no text" in page


def test_published_words_count_and_roll_back(admin_client: Client) -> None:
    def verdict() -> str:
        return screen("one zorgite please", Direction.OUTBOUND, scope="s").action.value

    Word.objects.create(term="zorgite", category="drugs")
    assert verdict() == "allow"
    admin_client.post(url("publish"), {"note": "zorgite"})
    assert verdict() == "block"

    Word.objects.all().delete()
    admin_client.post(url("publish"))
    assert verdict() == "allow"

    admin_client.post(url("activate", PolicyVersion.objects.get(number=1).pk))
    assert verdict() == "block"


def test_rules_are_edited_as_a_table(admin_client: Client) -> None:
    form = admin_client.get(url("rules")).context["form"]
    data = {name: form[name].value() for name in form.fields}
    data |= {"words-abuse-inbound": "block", "default_words": "on", "note": "stricter"}
    data = {name: value for name, value in data.items() if value is not False}

    admin_client.post(url("rules"), data)

    assert PolicyVersion.objects.get().note == "stricter"
    assert screen("you bastard", Direction.INBOUND, scope="s").is_blocked


def test_a_case_teaches_the_word_list(admin_client: Client, case: ModerationCase) -> None:
    page = admin_client.get(url("moderationcase_change", case.pk)).content.decode()
    assert "cocaine</mark>" in page
    assert PHONE not in page

    admin_client.post(
        url("resolve", case.pk),
        {"resolution": "allowed", "term": "cocaine museum", "category": "", "note": "a museum"},
    )

    case.refresh_from_db()
    assert (case.resolution, case.note) == ("allowed", "a museum")
    assert Word.objects.get().kind == "allowed"
    admin_client.post(url("resolve", case.pk), {"resolution": "harmless"})
    case.refresh_from_db()
    assert case.resolution == "allowed"


def test_revealing_needs_a_reason_and_is_written_down(
    admin_client: Client, admin_user: User, case: ModerationCase
) -> None:
    page = url("reveal", Original.objects.get().pk)

    assert PHONE not in admin_client.get(page).content.decode()
    assert PHONE not in admin_client.post(page, {"reason": "x"}).content.decode()
    assert not Reveal.objects.exists()

    answer = admin_client.post(page, {"reason": "has to be called back"})
    assert PHONE in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    reveal = Reveal.objects.get()
    assert (reveal.revealed_by, reveal.reason) == (admin_user, "has to be called back")
