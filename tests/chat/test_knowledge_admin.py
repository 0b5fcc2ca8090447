"""The console's pages of knowledge: each works, and each is closed to those without the right."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chat.answer_cache import AnswerCache, CachedAnswer, CacheScope, cache_key
from chat.console import charts
from chat.console.forms import shelf
from chat.models import Bot, Calibration, CuratedAnswer, Dispute, Message
from chat.services import knowledge
from chat.services.knowledge import Draft
from moderation.models import AuditEntry
from tests.factories import BotFactory, ConversationFactory, MessageFactory, ReplyFactory, approve

pytestmark = pytest.mark.django_db

Resolution = Dispute.Resolution
LIST = "chat_curatedanswer_changelist"
ADD = "chat_curatedanswer_add"
CHANGE = "chat_curatedanswer_change"
POINT = {"rank": 1.0, "margin": 0.3, "precision": 0.99, "recall": 0.8, "false_hits": 0.01}


@pytest.fixture(autouse=True)
def _small_embedder(settings: Any) -> Iterator[None]:
    settings.CHAT_EMBEDDER = "ngrams"
    shelf.cache_clear()
    yield
    shelf.cache_clear()


@pytest.fixture
def bot() -> Bot:
    return BotFactory(slug="shop", name="Shop")


@pytest.fixture
def answer(bot: Bot) -> CuratedAnswer:
    return approve(bot, "How long?", "how many days", text="Three days.", key="time")


def said(answer: CuratedAnswer, question: str = "how long", **fields: Any) -> Message:
    """A customer got the answer."""
    near = [{"answer": answer.pk, "revision": 1, "question": "How long?", "score": 0.9731}]
    return ReplyFactory(
        conversation=ConversationFactory(visitor__bot=answer.bot),
        question=question,
        status="sent",
        source="curated",
        text=answer.text,
        curated_answer=answer,
        match={"kind": "semantic", "score": 0.9731, "near": near},
        **fields,
    )


def disputed(answer: CuratedAnswer, question: str = "how long", **fields: Any) -> Dispute:
    message = said(answer, question)
    return Dispute.objects.create(
        bot=answer.bot, answer=answer, message=message, locale="en", question=question,
        normalized=question, shown=answer.text, **fields,
    )  # fmt: skip


def calibrated(bot: Bot, purpose: str = "match", **fields: Any) -> Calibration:
    return Calibration.objects.create(
        bot=bot, purpose=purpose, embedder="e5", locale="en", **fields
    )


def staff(client: Client, *permissions: str) -> Client:
    user = User.objects.create_user("ann", password="x" * 12, is_staff=True)
    codenames = (*permissions, "work_on_all_bots")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


def url(name: str, *arguments: Any) -> str:
    return reverse(f"admin:{name}", args=arguments)


def form(bot: Bot, **fields: Any) -> dict[str, Any]:
    return {
        "bot": bot.pk, "locale": "en", "questions": "Why?\nwhy is that", "text": "Because.",
        "is_active": "on", **fields,
    }  # fmt: skip


def pages(answer: CuratedAnswer) -> list[str]:
    dispute = disputed(answer)
    calibration = calibrated(answer.bot, values={"rank": 1.0}, curve=[POINT])
    return [
        url(LIST), url(ADD), url(CHANGE, answer.pk), url("knowledge_glance"),
        url("knowledge_import"), url("knowledge_export"), url("chat_dispute_changelist"),
        url("chat_dispute_change", dispute.pk), url("chat_calibration_changelist"),
        url("chat_calibration_change", calibration.pk),
    ]  # fmt: skip


def actions(answer: CuratedAnswer) -> list[str]:
    return [
        url("knowledge_restore", answer.revisions.get().pk),
        url("knowledge_resolve", disputed(answer, "another").pk),
        url("knowledge_clear_cache", answer.bot.pk),
    ]


def test_every_page_is_closed_to_staff_without_the_right(
    client: Client, answer: CuratedAnswer
) -> None:
    closed = [*pages(answer), *actions(answer)]

    assert {client.get(page).status_code for page in closed} == {302}
    assert {client.post(page).status_code for page in closed} == {302}
    staff(client)
    assert {client.get(page).status_code for page in closed} == {403}
    assert {client.post(page).status_code for page in closed} == {403}
    assert Dispute.objects.filter(resolution="").count() == 2


def test_those_who_may_look_change_nothing(client: Client, answer: CuratedAnswer) -> None:
    staff(client, "view_curatedanswer", "view_dispute")

    page = client.get(url(CHANGE, answer.pk)).content.decode()
    assert "how many days" in page
    assert 'name="questions"' not in page
    assert client.post(url(CHANGE, answer.pk), form(answer.bot)).status_code == 403
    assert client.post(url(ADD), form(answer.bot)).status_code == 403
    assert client.get(url("knowledge_import")).status_code == 403
    assert {client.post(page).status_code for page in actions(answer)} == {403}


def test_what_customers_wrote_is_for_those_who_may_read_conversations(
    client: Client, answer: CuratedAnswer
) -> None:
    said(answer, "my secret question")
    staff(client, "view_curatedanswer", "change_curatedanswer")
    both = (url(CHANGE, answer.pk), url("knowledge_glance"))

    assert all("my secret question" not in client.get(page).content.decode() for page in both)
    User.objects.get().user_permissions.add(Permission.objects.get(codename="view_conversation"))
    assert all("my secret question" in client.get(page).content.decode() for page in both)


def test_deleting_is_a_right_of_its_own(client: Client, answer: CuratedAnswer) -> None:
    staff(client, "view_curatedanswer", "change_curatedanswer")
    delete = {"action": "delete_selected", "_selected_action": [answer.pk], "post": "yes"}

    client.post(url(LIST), delete)
    assert client.post(url("chat_curatedanswer_delete", answer.pk)).status_code == 403
    assert CuratedAnswer.objects.exists()


def test_what_is_deleted_is_told_to_runners(admin_client: Client, answer: CuratedAnswer) -> None:
    other = approve(answer.bot, "Why?", text="Because.")
    before = Bot.objects.get().knowledge_version

    admin_client.post(url("chat_curatedanswer_delete", answer.pk), {"post": "yes"})
    assert Bot.objects.get().knowledge_version == before + 1
    delete = {"action": "delete_selected", "_selected_action": [other.pk], "post": "yes"}
    admin_client.post(url(LIST), delete)

    assert not CuratedAnswer.objects.exists()
    assert Bot.objects.get().knowledge_version == before + 2


def test_every_page_opens_in_both_languages(admin_client: Client, answer: CuratedAnswer) -> None:
    opened = pages(answer)
    for language, word in (("en", "Curated answers"), ("zh-hans", "标准答案")):
        for page in opened:
            got = admin_client.get(page, headers={"Accept-Language": language})
            assert got.status_code == 200, page
        assert word in admin_client.get(url(LIST), headers={"Accept-Language": language}).text


def test_empty_pages_open(admin_client: Client) -> None:
    assert "There is no bot yet." in admin_client.get(url("knowledge_glance")).text
    bot = BotFactory()
    page = admin_client.get(url("knowledge_glance")).text
    assert "Nobody asked anything" in page
    assert "Every question of this period was answered." in page
    assert "No approved answer was said" in page
    for purpose in ("match", "confidence"):
        calibration = calibrated(bot, purpose, values={}, curve=[])
        assert admin_client.get(url("chat_calibration_change", calibration.pk)).status_code == 200
    for name in (CHANGE, "chat_dispute_change", "chat_calibration_change"):
        assert admin_client.get(url(name, 999)).status_code == 404


@pytest.mark.parametrize(
    ("page", "most"),
    [(LIST, 12), ("chat_dispute_changelist", 10), ("knowledge_glance", 16), (CHANGE, 16)],
)
def test_pages_ask_no_more_for_more_rows(
    admin_client: Client,
    answer: CuratedAnswer,
    page: str,
    most: int,
    django_assert_max_num_queries: Any,
) -> None:
    where = url(page, answer.pk) if page == CHANGE else url(page)
    disputed(answer)
    counts = []
    for rows in (0, 2):
        for number in range(rows):
            disputed(approve(answer.bot, f"Question {number}?", text=str(number)), f"q {number}")
            said(answer, f"how long {number}")
        with django_assert_max_num_queries(most) as asked:
            admin_client.get(where)
        counts.append(len(asked))
    assert counts[0] == counts[1]


# Answers


def test_an_answer_is_written_and_changed_through_the_service(
    admin_client: Client, admin_user: User, bot: Bot
) -> None:
    admin_client.post(url(ADD), form(bot, topic="reasons", note="first", owner=admin_user.pk))

    answer = CuratedAnswer.objects.get()
    assert (answer.key, answer.owner, answer.revision) == ("why", admin_user, 1)
    assert [each.text for each in answer.variants.all()] == ["Why?", "why is that"]
    bot.refresh_from_db()
    assert bot.knowledge_version == 1

    page = admin_client.get(url(CHANGE, answer.pk)).text
    assert "Why?\nwhy is that</textarea>" in page
    admin_client.post(url(CHANGE, answer.pk), form(bot, key="why", text="So.", note="shorter"))

    answer.refresh_from_db()
    assert (answer.text, answer.revision) == ("So.", 2)
    revision = answer.revisions.first()
    assert revision is not None
    assert (revision.note, revision.author) == ("shorter", admin_user)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"questions": "???"}, "There are no words in the question"),
        ({"questions": "x" * 501}, "500 characters at most"),
        ({"key": "time"}, "has this key"),
        ({"text": " "}, "This field is required."),
        (
            {
                "valid_from_0": "2030-01-02", "valid_from_1": "00:00",
                "valid_until_0": "2030-01-01", "valid_until_1": "00:00",
            },
            "It has to become valid before it ends.",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_told_in_place(
    admin_client: Client, answer: CuratedAnswer, fields: dict[str, str], message: str
) -> None:
    page = admin_client.post(url(ADD), form(answer.bot, **fields))

    assert page.status_code == 200
    assert page.text.count(message) == 1
    assert CuratedAnswer.objects.count() == 1


def test_a_conflict_is_shown_before_it_is_saved(
    admin_client: Client, answer: CuratedAnswer
) -> None:
    data = form(answer.bot, questions="HOW MANY DAYS?")

    page = admin_client.post(url(ADD), data)
    assert "Other answers to these questions" in page.text
    assert "Three days." in page.text
    assert CuratedAnswer.objects.count() == 1

    assert admin_client.post(url(ADD), {**data, "save_anyway": "on"}).status_code == 302
    assert CuratedAnswer.objects.count() == 2


def test_what_is_switched_off_conflicts_with_nothing(
    admin_client: Client, answer: CuratedAnswer
) -> None:
    data = form(answer.bot, questions="How long?")
    del data["is_active"]

    assert admin_client.post(url(ADD), data).status_code == 302


def test_conflicts_are_found_word_for_word_without_an_embedder(
    admin_client: Client, answer: CuratedAnswer, settings: Any
) -> None:
    settings.CHAT_EMBEDDER, settings.CHAT_EMBEDDER_URL = "openai", ""

    page = admin_client.post(url(ADD), form(answer.bot, questions="How long?"))

    assert "Other answers to these questions" in page.text


def test_lists_switch_through_the_service(admin_client: Client, answer: CuratedAnswer) -> None:
    for action, active in (("switch_off", False), ("switch_on", True)):
        before = Bot.objects.get().knowledge_version
        data = {"action": action, "_selected_action": [answer.pk]}
        page = admin_client.post(url(LIST), data, follow=True)

        answer.refresh_from_db()
        assert "1 answer switched" in page.text
        assert answer.is_active is active
        assert Bot.objects.get().knowledge_version == before + 1
    assert answer.revision == 3


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("served", ["How long?", "New?"]),
        ("early", ["Early?"]),
        ("late", ["Late?"]),
        ("off", ["Off?"]),
        ("disputed", ["How long?"]),
        ("unused", ["Early?", "Late?", "New?", "Off?"]),
    ],
)
def test_the_list_is_filtered_by_state(
    admin_client: Client, answer: CuratedAnswer, state: str, found: list[str]
) -> None:
    disputed(answer)
    now, day = timezone.now(), timedelta(days=1)
    approve(answer.bot, "New?", text="new")
    approve(answer.bot, "Off?", text="off", is_active=False)
    approve(answer.bot, "Early?", text="early", valid_from=now + day)
    approve(answer.bot, "Late?", text="late", valid_until=now - day)

    rows = admin_client.get(url(LIST), {"state": state}).context["cl"].result_list

    assert sorted(row.first_question for row in rows) == found


def test_the_list_counts_and_finds(admin_client: Client, answer: CuratedAnswer) -> None:
    disputed(answer)
    said(answer)
    old = said(answer)
    Message.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=31))
    approve(answer.bot, "Why?", text="Because.")

    rows = admin_client.get(url(LIST), {"q": "many days"}).context["cl"].result_list

    assert [(row.pk, row.hits, row.open_disputes) for row in rows] == [(answer.pk, 2, 1)]


def test_an_earlier_version_is_restored(
    admin_client: Client, admin_user: User, answer: CuratedAnswer
) -> None:
    draft = Draft(("Something else?",), "Four days.", key="time")
    knowledge.save(answer.bot, "en", draft, author=None, answer=answer)
    first = answer.revisions.get(number=1)

    assert url("knowledge_restore", first.pk) in admin_client.get(url(CHANGE, answer.pk)).text
    assert admin_client.get(url("knowledge_restore", first.pk)).status_code == 302
    answer.refresh_from_db()
    assert answer.text == "Four days."
    admin_client.post(url("knowledge_restore", first.pk))

    answer.refresh_from_db()
    assert (answer.text, answer.revision) == ("Three days.", 3)
    assert answer.variants.count() == 2


def test_where_an_answer_was_said_is_on_its_page(
    admin_client: Client, answer: CuratedAnswer
) -> None:
    said(answer, "<b>how long</b>")

    page = admin_client.get(url(CHANGE, answer.pk)).text

    assert "&lt;b&gt;how long" in page
    assert "<b>how long" not in page
    assert "by meaning" in page
    assert "0.97" in page


# Files


def _upload(client: Client, bot: Bot, content: str, name: str = "a.jsonl") -> Any:
    file = SimpleUploadedFile(name, content.encode())
    return client.post(url("knowledge_import"), {"bot": bot.pk, "locale": "en", "file": file})


NEW = '{"questions": ["Why?"], "answer": "Because."}\n'
CHANGED = '{"key": "time", "questions": ["How long?"], "answer": "Four days."}\n'


def test_an_import_is_looked_at_before_it_counts(
    admin_client: Client, admin_user: User, answer: CuratedAnswer
) -> None:
    page = _upload(admin_client, answer.bot, NEW + CHANGED)

    assert "Why?" in page.text
    assert CuratedAnswer.objects.count() == 1
    done = admin_client.post(
        url("knowledge_import"), {"answers": page.context["answers"]}, follow=True
    )

    assert "1 answers written, 1 changed." in done.text
    answer.refresh_from_db()
    assert answer.text == "Four days."
    assert CuratedAnswer.objects.get(text="Because.").revisions.get().author == admin_user


def test_conflicts_of_an_import_are_confirmed(admin_client: Client, answer: CuratedAnswer) -> None:
    page = _upload(
        admin_client, answer.bot, '{"key": "b", "questions": ["how long"], "answer": "A year."}'
    )
    signed = {"answers": page.context["answers"]}
    assert "Other answers to these questions" in page.text

    refused = admin_client.post(url("knowledge_import"), signed)
    assert "Tick that you have looked" in refused.text
    assert CuratedAnswer.objects.count() == 1

    admin_client.post(url("knowledge_import"), {**signed, "anyway": "on"})
    assert CuratedAnswer.objects.count() == 2


def test_a_file_with_problems_cannot_be_imported(admin_client: Client, bot: Bot) -> None:
    page = _upload(admin_client, bot, NEW + "{\n" + '{"questions": ["???"], "answer": "a"}')

    assert "This is no JSON." in page.text
    assert "There are no words in the question" in page.text
    assert 'name="answers"' not in page.text


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [("a.jsonl", "\n", "There are no answers"), ("a.csv", "a,b\n1,2\n", "names its columns")],
)
def test_a_file_that_is_none_is_refused_with_a_sentence(
    admin_client: Client, bot: Bot, name: str, content: str, message: str
) -> None:
    assert message in _upload(admin_client, bot, content, name).text


def test_answers_that_were_not_previewed_are_not_written(admin_client: Client, bot: Bot) -> None:
    page = admin_client.post(url("knowledge_import"), {"answers": "made-up"}, follow=True)
    assert "This preview is too old" in page.text

    signed = _upload(admin_client, bot, NEW).context["answers"]
    bot.delete()
    page = admin_client.post(url("knowledge_import"), {"answers": signed}, follow=True)
    assert "This bot is gone." in page.text
    assert not CuratedAnswer.objects.exists()


def test_what_was_taken_meanwhile_is_told(admin_client: Client, answer: CuratedAnswer) -> None:
    known = _upload(admin_client, answer.bot, '{"questions": ["How long?"], "answer": "A day."}')
    knowledge.remove([answer])

    admin_client.post(url("knowledge_import"), {"answers": known.context["answers"]})

    assert CuratedAnswer.objects.get().text == "A day."


def test_answers_are_exported(client: Client, answer: CuratedAnswer) -> None:
    staff(client, "view_curatedanswer", "export_knowledge")
    asked: dict[str, Any] = {"bot": answer.bot.pk, "locale": "en"}

    lines = client.get(url("knowledge_export"), {**asked, "format": "jsonl"})
    table = client.get(url("knowledge_export"), {**asked, "format": "csv"})
    form_page = client.get(url("knowledge_export"), {**asked, "format": "exe"})

    assert '"questions": ["How long?", "how many days"]' in lines.text
    assert lines["Content-Disposition"] == 'attachment; filename="shop.en.jsonl"'
    assert table.content.startswith(b"\xef\xbb\xbfkey,topic,question,answer")
    assert "Content-Disposition" not in form_page


def test_who_may_only_look_takes_no_file_along(client: Client, answer: CuratedAnswer) -> None:
    staff(client, "view_curatedanswer")
    asked: dict[str, Any] = {"bot": answer.bot.pk, "locale": "en", "format": "jsonl"}

    assert client.get(url("knowledge_export"), asked).status_code == 403
    assert url("knowledge_export") not in client.get(url(LIST)).text
    assert not AuditEntry.objects.filter(action="export.made").exists()


# Disputes


def test_open_disputes_come_first(admin_client: Client, answer: CuratedAnswer) -> None:
    disputed(answer, "first", resolution=Resolution.SERVED)
    disputed(answer, "second")
    disputed(answer, "third", resolution=Resolution.SEPARATED)

    page = admin_client.get(url("chat_dispute_changelist"))

    assert page.context["cl"].result_list[0].question == "second"
    assert "to be decided" in page.text


def test_a_dispute_shows_what_was_taken_for_what(
    admin_client: Client, answer: CuratedAnswer
) -> None:
    dispute = disputed(answer, "<i>how far</i>", is_other_question=True)

    page = admin_client.get(url("chat_dispute_change", dispute.pk)).text

    assert "&lt;i&gt;how far" in page
    assert "<i>how far" not in page
    assert "How long?" in page
    assert "0.97" in page
    assert "not my question" in page


@pytest.mark.parametrize("resolution", ["served", "separated"])
def test_a_dispute_is_decided(
    admin_client: Client, admin_user: User, answer: CuratedAnswer, resolution: str
) -> None:
    disputes = [disputed(answer), disputed(answer)]

    page = admin_client.post(
        url("knowledge_resolve", disputes[0].pk), {"resolution": resolution}, follow=True
    )

    assert "2 reports are decided." in page.text
    for dispute in disputes:
        dispute.refresh_from_db()
        assert (dispute.resolution, dispute.resolved_by) == (resolution, admin_user)


def test_a_dispute_becomes_an_answer(admin_client: Client, answer: CuratedAnswer) -> None:
    dispute = disputed(answer, "how far?")

    page = admin_client.post(
        url("knowledge_resolve", dispute.pk), {"resolution": "write"}, follow=True
    )

    dispute.refresh_from_db()
    assert dispute.resolution == Resolution.SEPARATED
    assert page.request["PATH_INFO"] == url(ADD)
    assert "how far?</textarea>" in page.text


def test_deciding_is_a_right_of_its_own_and_so_is_writing(
    client: Client, answer: CuratedAnswer
) -> None:
    dispute = disputed(answer)
    staff(client, "view_dispute", "change_dispute")
    resolve = url("knowledge_resolve", dispute.pk)

    assert client.post(resolve, {"resolution": "write"}).status_code == 403
    client.post(resolve, {"resolution": "nonsense"})
    client.get(resolve)
    dispute.refresh_from_db()
    assert dispute.resolution == ""
    client.post(resolve, {"resolution": "served"})
    dispute.refresh_from_db()
    assert dispute.resolution == "served"


def test_a_dispute_about_the_cache_has_no_answer(admin_client: Client, bot: Bot) -> None:
    reply = ReplyFactory(conversation__visitor__bot=bot, status="sent", source="cache", text="Yes.")
    dispute = Dispute.objects.create(
        bot=bot, message=reply, locale="en", question="q", normalized="q", shown="Yes."
    )

    assert "removed from the cache" in admin_client.get(url("chat_dispute_change", dispute.pk)).text
    admin_client.post(url("knowledge_resolve", dispute.pk), {"resolution": "served"})
    dispute.refresh_from_db()
    assert dispute.resolution == "served"


# Calibrations


def test_a_calibration_is_drawn(admin_client: Client, bot: Bot) -> None:
    points = [{**POINT, "rank": rank, "recall": 1 - rank / 2} for rank in (0.5, 1.0, 1.5)]
    match = calibrated(
        bot, values={"rank": 1.0, "direct": 0.98}, precision=0.991, recall=0.8, curve=points
    )
    bins = [
        {"confidence": 0.05, "right": 0.0, "count": 0},
        {"confidence": 0.95, "right": 1.0, "count": 7},
    ]
    sure = calibrated(bot, "confidence", values={"intercept": 1.0, "weights": []}, curve=bins)

    page = admin_client.get(url("chat_calibration_change", match.pk)).text
    assert page.count("<polyline") == 3
    assert "99.1 %" in page
    assert "cosine 0.98, rank 1.00" in page
    assert admin_client.get(url("chat_calibration_change", sure.pk)).text.count("<rect") == 2
    assert admin_client.post(url("chat_calibration_change", sure.pk), {}).status_code == 403


def test_curves_stay_inside_their_drawing() -> None:
    points = [{**POINT, "threshold": value, "precision": 1.5} for value in (0.0, 0.9)]
    for each in points:
        del each["rank"]

    chart = charts.curves(points, {"precision": "p"}, chosen=5.0)
    alone = charts.curves([POINT], {"recall": "r", "other": "o"}, chosen=1.0)

    assert chart is not None
    assert chart.lines[0].points == f"48.0,{charts.TOP} 624.0,{charts.TOP}".replace("16", "16.0")
    assert chart.chosen is None
    assert alone is not None
    assert (len(alone.lines), len(alone.across)) == (1, 1)
    assert alone.chosen is not None
    assert charts.curves([], {}, chosen=None) is None
    assert charts.bars([]) is None


# At a glance


def _answered(bot: Bot, question: str, **fields: Any) -> Message:
    return ReplyFactory(
        conversation=ConversationFactory(visitor__bot=bot), question=question,
        **{"status": "sent", "source": "model", **fields},
    )  # fmt: skip


def _glance(client: Client, bot: Bot, days: int = 7) -> Any:
    return client.get(url("knowledge_glance"), {"bot": bot.pk, "days": days})


def test_the_overview_counts_what_customers_got(
    admin_client: Client, answer: CuratedAnswer
) -> None:
    bot = answer.bot
    said(answer, "How long?", timings={"answer": 0.1})
    exact = said(answer, "how long")
    Message.objects.filter(pk=exact.pk).update(match={"kind": "exact"})
    _answered(bot, "how LONG", source="cache", timings={"answer": 0.5})
    _answered(bot, "Why?", timings={"answer": 2.0})
    _answered(bot, "Where?", timings={"answer": 4.0}, code="unsure")
    _answered(bot, "Hm?", source="notice", code="withheld")
    _answered(bot, "Hm!", status="failed", source="", code="overdue")
    _answered(bot, "still waiting", status="pending", source="")
    _answered(BotFactory(), "of another bot")
    old = _answered(bot, "of another year")
    Message.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=8))

    page = _glance(admin_client, bot)
    seen = page.context["seen"]

    assert {each.kind: each.count for each in seen.shares} == {
        "exact": 1, "meaning": 1, "cache": 1, "model": 2, "none": 2,
    }  # fmt: skip
    assert seen.seconds_saved == pytest.approx(3.0 + 2.9 + 2.5)
    assert (seen.top[0].question, seen.top[0].count) == ("how LONG", 3)
    assert {(each.question, each.how) for each in seen.unanswered} == {
        ("Where?", "unsure"), ("Hm!", "failed"),
    }  # fmt: skip
    assert [(each.pk, each.hits) for each in seen.used] == [(answer.pk, 2)]
    assert "of another" not in page.text
    assert "still waiting" not in page.text


def test_questions_that_were_handed_over_are_unanswered(admin_client: Client, bot: Bot) -> None:
    conversation = ConversationFactory(visitor__bot=bot)
    MessageFactory(conversation=conversation, text="Can I talk to you?")
    MessageFactory(
        conversation=conversation, role="notice", source="notice", code="person_requested"
    )

    seen = _glance(admin_client, bot).context["seen"]

    assert [(each.question, each.how) for each in seen.unanswered] == [
        ("Can I talk to you?", "person")
    ]
    assert seen.answers == 0
    assert seen.seconds_saved is None


def test_answers_that_nobody_got_are_listed(admin_client: Client, answer: CuratedAnswer) -> None:
    approve(answer.bot, "Off?", text="off", is_active=False)

    page = _glance(admin_client, answer.bot)

    assert [each.pk for each in page.context["seen"].unused] == [answer.pk]
    assert "Never used in this period: 1" in page.text


def test_the_cache_of_one_bot_is_cleared(admin_client: Client, bot: Bot, settings: Any) -> None:
    settings.CHAT_CACHE_AFTER_VISITORS = 1
    cache = AnswerCache()
    keys = []
    for each in (bot, BotFactory()):
        key = cache_key(CacheScope(each.pk, 1, "1", 1, "1", "en", "widget"), "why")
        cache.note_asked(key, "ann")
        assert cache.admit(key, CachedAnswer("Because.", "1", 1.0))
        keys.append(key)

    assert "answers kept" in _glance(admin_client, bot).text
    admin_client.get(url("knowledge_clear_cache", bot.pk))
    assert cache.find(keys[0]) is not None
    page = admin_client.post(url("knowledge_clear_cache", bot.pk), follow=True)

    assert "1 answers are no longer in the cache." in page.text
    assert cache.find(keys[0]) is None
    assert cache.find(keys[1]) is not None


def test_the_overview_opens_without_valkey(admin_client: Client, bot: Bot, settings: Any) -> None:
    settings.VALKEY_URL = "unix:///nowhere/valkey.sock"

    assert "Valkey does not answer" in _glance(admin_client, bot).text


@pytest.mark.parametrize("asked", [{"bot": "x"}, {"days": "8"}, {"bot": "999"}])
def test_the_overview_of_nothing_is_a_form(
    admin_client: Client, bot: Bot, asked: dict[str, str]
) -> None:
    page = admin_client.get(url("knowledge_glance"), asked)

    assert page.status_code == 200
    assert "seen" not in page.context
