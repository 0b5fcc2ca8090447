"""A visitor is erased everywhere, nobody else is touched, and what cannot be reached is named."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from benchmarks.console.erase import places_of, wait_for_valkey
from chat import limits
from chat.answer_cache import AnswerCache, CachedAnswer
from chat.knowledge.embedding import EmbedderSpec, open_embedder
from chat.libraries import LibraryShelf, embedded
from chat.models import (
    AnswerRevision,
    Bot,
    Conversation,
    CuratedAnswer,
    Message,
    QuestionVariant,
    QuestionVector,
    Visitor,
)
from chat.services import agents, conversations, left_messages, ratings, replies
from chat.services.erasing import find_visitors
from chat.services.replies import Provenance
from chat.services.transcript import ConversationClosed
from chat.services.visitors import register_visitor, start_conversation
from moderation.audit.checkpoints import Forged
from moderation.models import AuditEntry, ModerationCase, Original, SubjectKey
from moderation.services import audit
from moderation.services.originals import NotAllowed
from tests.factories import (
    BotFactory,
    ConversationFactory,
    DatasetFactory,
    EvaluationFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    UserFactory,
    approve,
)
from tests.training.evaluation.responses import Scripted, response
from training import certificates, places, redacting
from training.evaluation.responding import Response
from training.formats import Turn
from training.frozen import FrozenRow, digest
from training.models import (
    Correction,
    Dataset,
    DatasetVersion,
    Erasure,
    EvaluatedAnswer,
    Evaluation,
    Example,
    FrozenExample,
    ModelVersion,
    ReviewItem,
    TrainingRun,
)
from training.quality import report as quality
from training.services import correcting, erasing, evaluating, examples, freezing, proposing
from training.services.evaluating import Outdated, Scope, Subject
from training.services.freezing import NotFrozen
from training.trainer import recipe

pytestmark = pytest.mark.django_db

ASKED = Erasure.Reason.ASKED


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    settings.CHAT_CACHE_AFTER_VISITORS = 0


@pytest.fixture
def bot() -> Bot:
    made: Bot = BotFactory(confidence_threshold=0)
    return made


def talk(bot: Bot, *said: str, visitor: Visitor | None = None) -> Conversation:
    """A conversation in which the bot answers everything with "Thank you"."""
    conversation = start_conversation(visitor or register_visitor(bot)[0], locale="en")
    for text in said:
        conversations.post_message(conversation, text=text)
        for claim in replies.claim(owner="runner", limit=1):
            provenance = Provenance(deployment=None)
            replies.settle_sent(claim, text="Thank you.", source="model", provenance=provenance)
    return conversation


def example_of(conversation: Conversation, dataset: Dataset, question: str) -> Example:
    example = Example(dataset=dataset, conversation=conversation, locale="en")
    said = [Turn("user", question), Turn("assistant", "Thank you for asking.")]
    return examples.save(example, said, author=None)


def frozen(dataset: Dataset, *conversations: Conversation) -> DatasetVersion:
    for place, conversation in enumerate(conversations):
        example_of(conversation, dataset, f"Where is the teapot number {place} of them?")
    for place in range(6):
        example_of(ConversationFactory(), dataset, f"Is the {'very ' * place}old kettle sold?")
    return freezing.freeze(dataset, author=None)


def erase(visitor: Visitor) -> Erasure:
    return erasing.erase(visitor, by=None, reason=ASKED)


def test_rows_of_others_stay(bot: Bot) -> None:
    mine, other = (talk(bot, f"call {phone}") for phone in ("13812345678", "13912345678"))

    erase(mine.visitor)

    assert list(Conversation.objects.all()) == [other]
    assert Message.objects.count() == 2
    assert Visitor.objects.get() == other.visitor
    assert Original.objects.get().scope == SubjectKey.objects.get().scope == str(other.public_id)


def test_a_preview_counts_exactly_what_goes_and_changes_nothing(bot: Bot) -> None:
    dataset = DatasetFactory(bot=bot)
    conversation = talk(bot, "cocaine to 13812345678", "Where is it?")
    reply = conversation.messages.filter(role="assistant")[0]
    conversations.give_feedback(reply, value="down", reasons=["wrong"], comment="bad")
    frozen(dataset, conversation)

    seen = erasing.preview(conversation.visitor)

    assert Visitor.objects.filter(pk=conversation.visitor_id).exists()
    assert seen.counts["chat.message"] == 4
    assert seen.counts["moderation_cases"] == seen.counts["subject_keys"] == 1
    assert [sum(each.rows.values()) for each in seen.versions] == [1]
    assert erase(conversation.visitor).counts == seen.counts
    assert not ModerationCase.objects.exists()


def test_whoever_writes_meanwhile_is_told_that_it_is_over(bot: Bot) -> None:
    conversation = talk(bot)
    conversations.post_message(conversation, text="Where is it?")
    (claim,) = replies.claim(owner="runner", limit=1)

    erase(conversation.visitor)

    assert not replies.settle_sent(
        claim, text="here", source="model", provenance=Provenance(deployment=None)
    )
    with pytest.raises(ConversationClosed):
        conversations.post_message(conversation, text="Hello?")
    assert not Message.objects.exists()


def test_a_frozen_version_is_written_anew_and_says_so(bot: Bot) -> None:
    dataset = DatasetFactory(bot=bot)
    conversation = talk(bot, "hello")
    version = frozen(dataset, conversation)
    before, old_file = version.sha256, freezing.path_of(version)

    erasure = erase(conversation.visitor)

    version.refresh_from_db()
    rows = freezing.rows_of(version)
    assert not old_file.exists()
    assert (len(rows), sum(version.counts.values()), version.report["rows"]) == (6, 6, 6)
    assert str(conversation.public_id) not in {row.conversation for row in rows}
    (redaction,) = version.redactions
    assert (redaction["before"], redaction["after"]) == (before, version.sha256)
    assert erasure.versions == [{"id": version.pk, "version": str(version), **redaction}]
    marks = [each.digest for each in version.frozen.filter(example=None)]
    assert len(marks) == 1
    assert marks[0].startswith("erased-")
    # The history of everything else goes on.
    assert freezing.freeze(dataset, author=None) == version


def test_models_that_learned_are_named_with_their_heirs(bot: Bot) -> None:
    conversation = talk(bot, "hello")
    version = frozen(DatasetFactory(bot=bot), conversation)
    done = TrainingRun.Status.SUCCEEDED
    first = ModelVersionFactory(run=TrainingRunFactory(dataset_version=version, status=done))
    heir = ModelVersionFactory(run=TrainingRunFactory(parent=first, status=done))
    ModelVersionFactory(run=TrainingRunFactory(status=done))

    seen = erasing.preview(conversation.visitor)
    erasure = erase(conversation.visitor)

    assert [each.model for each in seen.models] == [first, heir]
    assert [(each["model"], each["through"]) for each in erasure.trained] == [
        (str(first), ""),
        (str(heir), str(first)),
    ]


def test_a_training_with_their_rows_is_stopped_before_it_is_finished(bot: Bot) -> None:
    conversation = talk(bot, "hello")
    version = frozen(DatasetFactory(bot=bot), conversation)
    run = TrainingRunFactory(dataset_version=version, status="running")
    folder = places.run_folder(run)
    folder.mkdir(parents=True)
    (folder / "train.jsonl").write_text("hello")

    erasure = erase(conversation.visitor)

    run.refresh_from_db()
    assert (run.cancel_requested, erasure.finished_at) == (True, None)
    assert not AuditEntry.objects.filter(action="visitor.erased").exists()
    assert not erasing.finish(erasure)
    TrainingRun.objects.update(status="cancelled")
    assert erasing.finish(Erasure.objects.get())
    assert not folder.exists()
    assert AuditEntry.objects.filter(action="visitor.erased").count() == 1
    assert erasing.finish(Erasure.objects.get())
    assert AuditEntry.objects.filter(action="visitor.erased").count() == 1


def test_a_crash_after_the_rows_leaves_nothing_behind(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = talk(bot, "hello")
    version = frozen(DatasetFactory(bot=bot), conversation)
    with monkeypatch.context() as crashing:
        crashing.setattr(redacting, "sweep", lambda origin: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            erase(conversation.visitor)
    partial = freezing.datasets_folder() / ".x.partial"
    partial.write_text(json.dumps({"conversation": str(conversation.public_id)}))

    (erasure,) = erasing.unfinished()
    assert erasing.finish(erasure)

    version.refresh_from_db()
    assert [each.name for each in freezing.datasets_folder().iterdir()] == [
        f"{version.sha256}.jsonl"
    ]
    assert len(erasure.versions) == 1


def test_a_damaged_file_with_their_rows_goes(bot: Bot) -> None:
    conversation = talk(bot, "hello")
    path = freezing.path_of(frozen(DatasetFactory(bot=bot), conversation))
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"damaged")

    assert erase(conversation.visitor).finished_at
    assert not path.exists()


def test_answers_to_their_questions_go(bot: Bot) -> None:
    conversation = talk(bot, "hello")
    version = frozen(DatasetFactory(bot=bot), conversation)
    evaluation = EvaluationFactory(dataset_version=version)
    for place, row in enumerate(freezing.rows_of(version)):
        EvaluatedAnswer.objects.create(
            evaluation=evaluation,
            position=place,
            digest=digest(row.messages[:-1], row.locale),
            question=row.question,
            expected=row.answer,
            scenario="other",
            locale="en",
        )

    erase(conversation.visitor)

    left = set(EvaluatedAnswer.objects.values_list("question", flat=True))
    assert left == {row.question for row in freezing.rows_of(DatasetVersion.objects.get())}


def test_an_evaluation_in_progress_brings_nothing_back(bot: Bot) -> None:
    conversation = talk(bot, "hello")
    version = frozen(DatasetFactory(bot=bot), conversation)
    before = version.sha256
    scope = Scope(version, split="train")
    erasures: list[Erasure] = []

    def answer(row: FrozenRow) -> Response:
        if not erasures:
            erasures.append(erase(conversation.visitor))
        return response(row.answer)

    with pytest.raises(Outdated, match="erased"):
        evaluating.evaluate(Subject("shop-int4"), scope, Scripted(answer))

    assert erasures[0].finished_at
    failed = Evaluation.objects.get()
    assert (failed.status, failed.figures) == (Evaluation.Status.FAILED, {})
    assert "Evaluate again" in failed.error
    assert not EvaluatedAnswer.objects.exists()
    version.refresh_from_db()
    assert version.sha256 != before
    again = evaluating.evaluate(Subject("shop-int4"), scope, Scripted(answer))
    assert again.answers.count() == version.counts["train"]


def test_freezing_that_an_erasure_overtakes_leaves_no_file(bot: Bot) -> None:
    dataset, conversation = DatasetFactory(bot=bot), talk(bot, "hello")
    version = frozen(dataset, conversation)
    example_of(conversation, dataset, "And where is its lid, please?")
    erasures: list[Erasure] = []

    def advance(_step: int) -> None:
        if not erasures:
            erasures.append(erase(conversation.visitor))

    with pytest.raises(NotFrozen, match="Freeze it again"):
        freezing.freeze(dataset, author=None, progress=advance)

    version.refresh_from_db()
    assert [each.name for each in freezing.datasets_folder().iterdir()] == [
        freezing.path_of(version).name
    ]
    assert len(freezing.rows_of(freezing.freeze(dataset, author=None))) == 6


def test_freezing_that_fails_leaves_no_file(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = DatasetFactory(bot=bot)
    example_of(talk(bot, "hello"), dataset, "Where is it?")
    with monkeypatch.context() as failing:
        failing.setattr(quality, "report", lambda rows: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            freezing.freeze(dataset, author=None)
    assert not list(freezing.datasets_folder().iterdir())

    version = freezing.freeze(dataset, author=None)
    assert freezing.path_of(version).exists()


def test_a_wording_of_theirs_alone_leaves_approved_answers(bot: Bot) -> None:
    approve(bot, "How long does delivery take?", text="Three days.")
    conversation = talk(bot, "my blue pot, teh one from may?", "How long does delivery take??")
    reply = conversation.messages.filter(role="assistant")[0]
    correcting.correct(reply, text="Within 30 days.", by=UserFactory())

    erase(conversation.visitor)

    kept = list(QuestionVariant.objects.values_list("text", flat=True))
    assert kept == ["How long does delivery take?"]
    assert "blue" not in json.dumps(
        list(AnswerRevision.objects.values_list("questions", flat=True))
    )
    assert not CuratedAnswer.objects.get(text="Within 30 days.").is_active
    assert not CuratedAnswer.objects.filter(key__contains="blue").exists()
    assert CuratedAnswer.objects.get(text="Three days.").is_active
    assert not Correction.objects.exists()


def test_a_model_whose_search_learned_such_a_wording_is_named(bot: Bot) -> None:
    """It stands in no dataset version: the search learned from the approved answers."""
    searched = TrainingRunFactory(
        bot=bot,
        status="succeeded",
        recipe=recipe.load("tiny_test", {"search.passes": 1.0}).as_dict(),
    )
    learned = ModelVersionFactory(run=searched)
    ModelVersionFactory(
        run=TrainingRunFactory(
            bot=bot, status="succeeded", recipe=recipe.load("tiny_test").as_dict()
        )
    )
    theirs = talk(bot, "does it glow in the dark")
    approve(bot, "Does it shine?", "does it glow in the dark", text="Yes.")

    assert [each.model for each in erasing.preview(theirs.visitor).models] == [learned]
    assert [each["id"] for each in erase(theirs.visitor).trained] == [str(learned.public_id)]
    others = talk(bot, "hello")
    assert erase(others.visitor).trained == []


LISTS = recipe.load("tiny_test", {"data.style": "questions"}).as_dict()
NUMBERS = recipe.load("tiny_test").as_dict()


def glowing(bot: Bot) -> Conversation:
    """A conversation with the only question that an approved answer has from a customer."""
    conversation = talk(bot, "does it glow in the dark")
    approve(bot, "Does it shine?", "does it glow in the dark", text="Yes.")
    return conversation


def test_models_that_learned_lists_with_such_a_wording_are_named_with_their_heirs(bot: Bot) -> None:
    """It stands in no dataset version: the lists are of the approved answers."""

    def learned(**about: Any) -> ModelVersion:
        made: ModelVersion = ModelVersionFactory(
            run=TrainingRunFactory(status="succeeded", **{"bot": bot, "recipe": NUMBERS, **about})
        )
        return made

    listed = learned(recipe=LISTS)
    heir = learned(parent=listed)
    last = learned(parent=heir)
    learned()
    learned(bot=BotFactory(), recipe=LISTS)
    theirs = glowing(bot)

    assert [(each.model, each.through) for each in erasing.preview(theirs.visitor).models] == [
        (listed, None),
        (heir, listed),
        (last, heir),
    ]
    assert [(each["id"], each["through"]) for each in erase(theirs.visitor).trained] == [
        (str(listed.public_id), ""),
        (str(heir.public_id), str(listed)),
        (str(last.public_id), str(heir)),
    ]
    others = talk(bot, "hello")
    assert erasing.preview(others.visitor).models == []
    assert erase(others.visitor).trained == []


def test_a_model_is_named_once_whatever_it_learned_the_wording_from(bot: Bot) -> None:
    both = {"data.style": "questions", "search.passes": 1.0}
    run = TrainingRunFactory(
        bot=bot, status="succeeded", recipe=recipe.load("tiny_test", both).as_dict()
    )
    learned = ModelVersionFactory(run=run)
    assert [each.model for each in erasing.preview(glowing(bot).visitor).models] == [learned]


def test_a_training_with_lists_of_such_a_wording_is_stopped_and_its_folder_goes(bot: Bot) -> None:
    runs = {
        "running": TrainingRunFactory(bot=bot, status="running", recipe=LISTS),
        "kept": TrainingRunFactory(bot=bot, status="failed", recipe=LISTS),
        "numbers": TrainingRunFactory(bot=bot, status="running", recipe=NUMBERS, device="cuda:0"),
        "another bot's": TrainingRunFactory(
            bot=BotFactory(), status="running", recipe=LISTS, device="cuda:1"
        ),
    }
    folders = {name: places.run_folder(run) for name, run in runs.items()}
    for folder in folders.values():
        folder.mkdir(parents=True)
        (folder / "train.jsonl").write_text("does it glow in the dark")
    erase(talk(bot, "hello").visitor)
    assert all(folder.exists() for folder in folders.values())
    theirs = glowing(bot)

    assert erasing.preview(theirs.visitor).running == [runs["running"]]
    erasure = erase(theirs.visitor)

    assert erasure.finished_at is None
    cancelled = TrainingRun.objects.filter(cancel_requested=True)
    assert list(cancelled) == [runs["running"]]
    cancelled.update(status="cancelled")
    assert erasing.finish(Erasure.objects.get(pk=erasure.pk))
    assert [name for name, folder in folders.items() if folder.exists()] == [
        "numbers",
        "another bot's",
    ]


def test_a_group_of_proposals_is_not_named_for_their_words(bot: Bot) -> None:
    mine, other = talk(bot, "the blue pot?"), talk(bot, "the blue pot?")
    for conversation in (mine, other):
        reply = conversation.messages.get(role="assistant")
        conversations.give_feedback(reply, value="down", reasons=[], comment="")
    proposing.propose(bot, LibraryShelf(open_embedder(EmbedderSpec(kind="ngrams"))))
    (name,) = set(ReviewItem.objects.values_list("cluster", flat=True))

    erase(mine.visitor)

    left = ReviewItem.objects.get()
    assert left.conversation == other
    assert left.cluster != name


def test_valkey_forgets_their_answers_and_counters(bot: Bot) -> None:
    mine, other = talk(bot, "hello"), talk(bot, "hello")
    cache = AnswerCache()
    for conversation in (mine, other):
        reply = conversation.messages.get(role="assistant")
        answer = CachedAnswer("Thank you.", str(reply.public_id), time.time())
        assert cache.admit(f"{bot.pk}.{conversation.pk}", answer)
        limits.hit("CHAT_RATE_MESSAGES_PER_VISITOR", str(conversation.visitor_id))
    number = str(mine.visitor_id)

    assert erase(mine.visitor).finished_at

    assert cache.find(f"{bot.pk}.{mine.pk}") is None
    assert cache.find(f"{bot.pk}.{other.pk}") is not None
    with redis.Redis.from_url(django_settings.VALKEY_URL) as client:
        counters = [str(each) for each in client.scan_iter("csbot:limits*")]
    assert [f"PER_VISITOR/{number}/" in each for each in counters] == [False]


def test_without_valkey_it_waits_for_it(bot: Bot, settings: Settings) -> None:
    conversation = talk(bot, "hello")
    url = settings.VALKEY_URL
    settings.VALKEY_URL = "unix:///nowhere/valkey.sock?db=0"

    erasure = erase(conversation.visitor)

    assert erasure.finished_at is None
    assert not Visitor.objects.exists()
    settings.VALKEY_URL = url
    assert erasing.finish(erasure)


def test_people_are_found_by_what_they_know(bot: Bot) -> None:
    conversation = talk(bot, "write to Ann.Lee@shop.example or call (415) 555-2671")
    left = talk(bot)
    left_messages.leave(left, name="Bo", contact="bo@shop.example", text="please write")
    bots = Bot.objects.all()

    for said in (
        str(conversation.visitor.public_id),
        f" {conversation.public_id} ",
        "ann.lee@SHOP.example",
        "415 555 2671",
    ):
        assert find_visitors(bots, said) == [conversation.visitor], said
    assert find_visitors(bots, "bo@shop.example") == [left.visitor]
    for said in ("nobody@shop.example", "", "x" * 500, str(bot.public_id)):
        assert find_visitors(bots, said) == []
    assert find_visitors(Bot.objects.none(), "ann.lee@shop.example") == []
    erase(conversation.visitor)
    assert find_visitors(bots, "ann.lee@shop.example") == []


def test_visitors_of_other_bots_take_no_place_of_ones_own(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.services.erasing.MOST_FOUND", 2)
    mine = talk(bot, "write to ann.lee@shop.example")
    elsewhere = [talk(BotFactory(), "write to ann.lee@shop.example") for _ in range(3)]

    own = Bot.objects.filter(pk=bot.pk)

    assert find_visitors(own, "ann.lee@shop.example") == [mine.visitor]
    newest = [each.visitor for each in reversed(elsewhere)][:2]
    assert find_visitors(Bot.objects.all(), "ann.lee@shop.example") == newest


def test_it_takes_the_right_to_erase(bot: Bot) -> None:
    conversation = talk(bot, "hello")
    user: User = UserFactory()

    with pytest.raises(NotAllowed):
        erasing.erase(conversation.visitor, by=user, reason=ASKED)
    assert Conversation.objects.exists()
    user.user_permissions.add(Permission.objects.get(codename="erase_visitor"))
    user = User.objects.get(pk=user.pk)
    assert erasing.erase(conversation.visitor, by=user, reason=ASKED).created_by == user


def test_a_certificate_proves_what_it_covers_and_names_nobody(bot: Bot) -> None:
    conversation = talk(bot, "call 13812345678")
    erasure = erasing.erase(conversation.visitor, by=None, reason=ASKED, reference="R-7")

    document = json.loads(json.dumps(certificates.signed(erasure)))

    certificates.check(document)
    body = document["certificate"]
    assert (body["reason"], body["reference"], body["counts"]["chat.message"]) == (
        "asked",
        "R-7",
        2,
    )
    for each in (conversation.visitor, conversation):
        kind = type(each).__name__.lower()
        covered = certificates.commitment(body["salt"], f"{kind}:{each.public_id}")
        assert covered in body["covered"]
        assert str(each.public_id) not in json.dumps(document)
    entry = AuditEntry.objects.get(action="visitor.erased")
    assert json.loads(entry.facts)["covered"] == body["covered"]
    assert body["salt"] not in entry.facts
    body["counts"]["chat.message"] = 1
    with pytest.raises(Forged):
        certificates.check(document)
    for broken in ({}, {"certificate": body, "signature": "?"}):
        with pytest.raises(Forged):
            certificates.check(broken)


def test_the_command_looks_first(bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    conversation = talk(bot, "call 13812345678")
    other = talk(bot, "also 13812345678")
    visitor = str(conversation.visitor.public_id)

    call_command("erase_visitor", visitor=visitor, dry_run=True)
    assert "2 chat.message" in capsys.readouterr().out
    assert Visitor.objects.count() == 2
    for refused, reason in (
        ({"visitor": "13812345678"}, str(other.visitor.public_id)),
        ({"visitor": "nobody@shop.example"}, "Nobody"),
        ({"visitor": visitor, "reference": "Ann Lee"}, "reference"),
    ):
        with pytest.raises(CommandError, match=reason):
            call_command("erase_visitor", **refused)
    call_command("erase_visitor", visitor=visitor, reference="R-7")
    certificates.check(json.loads(capsys.readouterr().out))
    assert Visitor.objects.get() == other.visitor


# Everything at once


def canaries() -> Iterator[str]:
    """Words that stand nowhere else, and that no recognizer masks."""
    number = 0
    while True:
        yield f"zq{number:02d}canary{'xkwvj'[number % 5]}"
        number += 1


def speak_everywhere(bot: Bot, visitor: Visitor) -> tuple[list[str], ModelVersion]:
    """Fifty canaries, written wherever a visitor's words come; and the model that learned them."""
    words, used = canaries(), list[str]()

    def word() -> str:
        used.append(next(words))
        return used[-1]

    agent, dataset, cache = UserFactory(), DatasetFactory(bot=bot), AnswerCache()
    page = f"https://shop.example/{word()}"
    mine = start_conversation(visitor, locale="en", page=page)
    for place in range(8):
        conversations.post_message(mine, text=f"Where is my {word()} of {word()}?")
        (claim,) = replies.claim(owner="runner", limit=1)
        provenance = Provenance(deployment=None, match={"read": [word()]})
        replies.settle_sent(claim, text=f"A {word()}.", source="model", provenance=provenance)
        answer = CachedAnswer(f"A {used[-1]}.", str(claim.message.public_id), time.time())
        assert cache.admit(f"{bot.pk}.{place}", answer)
    conversations.post_message(mine, text=f"cocaine for {word()} at {word()}@shop.example")
    reply = mine.messages.filter(role="assistant", source="model")[0]
    conversations.give_feedback(reply, value="down", reasons=[], comment=f"no {word()}")
    ratings.rate(mine, rating=1, comment=f"bad {word()}")
    agents.add_note(mine, text=f"he means {word()}", by=agent)
    agents.suggest(mine, by=agent)
    mine.suggestions.update(text=f"try {word()}")
    contact = f"{word()}@shop.example"
    left_messages.leave(mine, name=word(), contact=contact, text=f"call about {word()}")
    correcting.correct(reply, text="Within 30 days.", by=agent)
    proposing.propose(bot, LibraryShelf(open_embedder(EmbedderSpec(kind="ngrams"))))
    assert ReviewItem.objects.exists()
    for _ in range(3):
        question = example_of(mine, dataset, f"About the {word()}, please?").question
        embedded([question], open_embedder(EmbedderSpec(kind="ngrams")))
    run = TrainingRunFactory(dataset_version=frozen(dataset, mine), status="succeeded")
    while len(used) < 50:
        conversations.post_message(talk(bot, visitor=visitor), text=f"And {word()}?")
    folder = places.run_folder(run)
    folder.mkdir(parents=True)
    (folder / "train.jsonl").write_text(" ".join(used))
    return used, ModelVersionFactory(run=run)


@pytest.mark.django_db(transaction=True)
def test_looking_into_files_takes_no_lock_away() -> None:
    """Or the next process that leaves takes SQLite's log away under this one."""
    if connection.vendor != "sqlite":
        pytest.skip("Only SQLite is a file.")
    name = str(django_settings.DATABASES["default"]["NAME"])
    BotFactory()
    assert places_of(["never said"], [Path(name).parent]) == {}
    leave = "import sys, sqlite3; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM chat_bot'); c.close()"
    subprocess.run([sys.executable, "-c", leave, name], check=True)
    assert Path(f"{name}-wal").exists()


@pytest.mark.django_db(transaction=True)
def test_nothing_of_fifty_canaries_is_left(
    bot: Bot, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    visitor, _token = register_visitor(bot)
    used, model = speak_everywhere(bot, visitor)
    other = talk(bot, "Where is my teapot, call 13812345678?")
    folders = [tmp_path, settings.VALKEY_SOCKET.parent]
    if connection.vendor == "sqlite":
        folders.append(Path(settings.DATABASES["default"]["NAME"]).parent)
    # A few are sealed, so that even this cannot see them; all others are found.
    assert len(used) == 50
    assert len(places_of(used, folders)) >= 48

    began = time.monotonic()
    erasure = erasing.erase(visitor, by=None, reason=ASKED)
    took = time.monotonic() - began

    assert erasure.finished_at
    assert took < 60
    wait_for_valkey()
    assert places_of(used, folders) == {}
    assert not [each for each in used if each in caplog.text]
    assert [each["id"] for each in erasure.trained] == [str(model.public_id)]
    assert audit.verify().end.seq > 0
    assert other.messages.count() == 2
    assert Original.objects.filter(scope=str(other.public_id)).exists()
    assert not QuestionVector.objects.exists()
    assert FrozenExample.objects.filter(digest__startswith="erased-").count() == 4
