"""A shop in the middle of its work, for pictures of every page: chats, approved answers, proposals, a run,
a candidate beside what serves, and an erasure.

Rows that a page's address needs and that are not here come from :mod:`tests.matrix.world`, where the
arguments of addresses are told too. Run by ``manage.py shell``; prints where every page is.
"""

import json
import time
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.utils import timezone

from chat import demo
from chat.models import CannedReply, Conversation
from chat.services import (
    agents,
    conversations,
    knowledge,
    left_messages,
    ratings,
    replies,
    takeover,
    visitors,
)
from chat.services.replies import Provenance
from csbot.accounts import second_factor
from csbot.accounts.models import Authenticator
from moderation.models import ModerationCase, Original
from moderation.services import policies, word_lists
from moderation.words.lexicon import Word
from tests.factories import BotFactory, TrainingRunFactory, UserFactory
from tests.matrix import walking, world
from tests.matrix.world import Rows
from tests.training import candidates
from tests.training.services import increment_world
from training.models import Dataset, Erasure, Evaluation, Example, ReviewItem
from training.progress import Point, Reported
from training.services import correcting, erasing, increment_decisions, proposing, runs

CHATS = (
    ("en", "How long does delivery take?", "2 to 4 working days within the EU.", "up"),
    ("en", "Can I return an opened tea?", "Yes, within 30 days.", "down"),
    ("zh-hans", "多久可以送到？", "欧盟境内一般 2 到 4 个工作日。", "up"),
    ("en", "Which lamp is good for reading?", "Heron: its light can be tilted.", ""),
    ("zh-hans", "打开过的茶可以退吗？", "可以，30 天之内都行。", "down"),
    ("en", "Is Silver Needle a white tea, and how warm should the water be for it?",
     "Silver Needle is a white tea. Use water of 80 degrees and let it stand for four minutes.", "up"),
)  # fmt: skip
PERSONAL = "My parcel has not come. Write to mail@shop.example or call +49 30 901820."


def believable(stage: candidates.Stage) -> Rows:
    """By ``app_model``, as :func:`tests.matrix.world.rows` gives them."""
    bot, ann = stage.bot, stage.ann
    bot.name, bot.product_names = demo.NAME, demo.PRODUCT_NAMES
    bot.instructions, bot.welcome = demo.INSTRUCTIONS, demo.WELCOME
    bot.starter_questions = demo.STARTER_QUESTIONS
    bot.save()
    Dataset.objects.filter(pk=stage.data.dataset.pk).update(name="Questions of the shop")
    agent: User = UserFactory(username="ines", first_name="Ines", last_name="Moreau")
    agent.groups.set(Group.objects.filter(name__in=["Agent", "Curator"]))
    for locale in ("en", "zh-hans"):
        drafts = list(demo.knowledge(locale))[:12]
        knowledge.save_all(bot, locale, drafts, author=ann, tell_runners=False)
    word_lists.add([Word("darn", "insult"), Word("rubbish", "insult")], by=None)
    policy = policies.publish_words(by=None, note="Two insults")
    CannedReply.objects.create(bot=bot, shortcut="hello", text="Hello, I am here to help.")
    chats = [_chat(stage, *said) for said in CHATS * 3]
    reply = chats[1].messages.filter(role="assistant").get()
    taken, waiting = _with_people(stage, agent)
    candidate = stage.candidate(candidates.knowing(36))
    run = _run(stage)
    correcting.correct(reply, text="Opened tea cannot be returned.", by=ann)
    proposing.propose(bot)
    found = {
        "chat_bot": bot,
        "chat_conversation": taken,
        "visitor": waiting.visitor,
        "chat_curatedanswer": bot.curated_answers.filter(locale="en").first(),
        "message": reply.reply_to,
        "reply": reply,
        "moderation_moderationcase": ModerationCase.objects.order_by("id").first(),
        "moderation_original": Original.objects.order_by("id").first(),
        "moderation_policyversion": policy,
        "training_dataset": stage.data.dataset,
        "training_datasetversion": stage.data,
        "training_modelversion": candidate,
        "training_evaluation": Evaluation.objects.get(artifact=candidate.artifact),
        "training_trainingrun": run,
        "training_increment": _increment(stage),
        "training_reviewitem": ReviewItem.objects.order_by("id").first(),
        "training_correction": bot.corrections.first(),
        "training_erasure": _erased(stage),
        "training_example": _example(stage.data.dataset),
    }
    return {name: row for name, row in found.items() if row is not None}


def _chat(
    stage: candidates.Stage, locale: str, question: str, answer: str, thumb: str
) -> Conversation:
    visitor, _token = visitors.register_visitor(stage.bot)
    chat = visitors.start_conversation(visitor, locale=locale, page="https://shop.example/tea")
    conversations.post_message(chat, text=question)
    for claim in replies.claim(owner="runner", limit=1):
        source = Provenance(stage.serving, timings={"total": 1.2, "first": 0.4}, confidence=0.8)
        replies.settle_sent(claim, text=answer, source="model", provenance=source)
    message = chat.messages.filter(role="assistant").get()
    if thumb:
        reasons = ["wrong"] if thumb == "down" else []
        conversations.give_feedback(message, value=thumb, reasons=reasons, comment="")
        chat = takeover.close(chat)
        ratings.rate(chat, rating=5 if thumb == "up" else 2, comment="")
    return chat


def _with_people(stage: candidates.Stage, agent: User) -> tuple[Conversation, Conversation]:
    """One that an agent answers, one that waits, and one who left a message."""
    taken, waiting, left = (
        _chat(stage, "en", text, "I do not know. Shall I get a person?", "")
        for text in (PERSONAL, "Where is my parcel?", "Do you repair old lamps?")
    )
    taken = takeover.take_over(conversations.request_person(taken), by=agent)
    agents.post(taken, text="It was sent on Monday and arrives tomorrow.", by=agent)
    agents.add_note(taken, text="The carrier was asked.", by=agent)
    waiting = conversations.request_person(waiting)
    left = conversations.request_person(left)
    left_messages.leave(left, name="", contact="mail@shop.example", text="Please write to me.")
    return taken, waiting


def _run(stage: candidates.Stage) -> Any:
    """Half done."""
    plan = {"training_minutes": 10.0, "minutes": 20.0, "steps": 40}
    run = TrainingRunFactory(
        bot=stage.bot, dataset_version=stage.data, plan=plan, created_by=stage.starter
    )
    claim = runs.claim(device="cpu", owner="worker", only=run)
    assert claim
    runs.set_stage(claim, runs.Stage.TRAINING)
    points = [
        Point(step, step * 12, loss=2.6 / step**0.4, heldout_loss=None) for step in range(1, 21)
    ]
    points += [Point(step, step * 12, heldout_loss=2.9 / step**0.4) for step in (10, 20)]
    newest = {"step": 20, "total_steps": 40}
    runs.report(claim, Reported(points=points, notes=[("checkpoint", {"step": 20})],
                                newest=newest, share=0.5, seconds_left=300.0))  # fmt: skip
    run.refresh_from_db()
    return run


def _increment(stage: candidates.Stage) -> Any:
    """A batch of which some is decided, and models enough for a learning curve."""
    for number, (train, rate) in enumerate(((300, 0.71), (800, 0.8), (1600, 0.84), (3200, 0.868))):
        increment_world.learned(stage.bot, train, rate, number=70 + number)
    made = increment_decisions.propose(stage.bot, by=None, slot=timezone.localdate(), size=12)
    ben = stage.ben
    for item in made.items.filter(answer="")[:2]:
        increment_world.reject(item, ben)
    return made


def _erased(stage: candidates.Stage) -> Any:
    chat = _chat(stage, "en", "My number is +49 30 901821.", "Thank you.", "")
    return erasing.erase(chat.visitor, by=None, reason=Erasure.Reason.ASKED, reference="R-7")


def _example(dataset: Dataset) -> Example:
    for number, (locale, question, answer, _thumb) in enumerate(CHATS):
        Example.objects.create(
            dataset=dataset,
            digest=f"{number:064}",
            locale=locale,
            status="approved" if number % 2 else "draft",
            messages=[
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer},
            ],
        )
    first = dataset.examples.order_by("id").first()
    assert first
    return first


def session(user: User, **facts: Any) -> str:
    """The cookie of somebody who signed in."""
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.update(facts)
    store.save()
    return str(store.session_key)


def _sessions() -> dict[str, str]:
    """By who comes: somebody who may all, the same long ago, with an app, half inside, and nobody's."""
    root = User.objects.create_superuser("root", password="a-long-password")
    careful: User = UserFactory(username="careful", is_superuser=True)
    Authenticator.objects.filter(user=careful, pk=second_factor.prepared(careful).pk).update(
        confirmed_at=timezone.now()
    )
    now = time.time()
    return {
        "session": session(root, confirmed_at=now),
        "unconfirmed": session(root),
        "enrolled": session(careful, confirmed_at=now, second_factor_of=careful.pk),
        "half": session(careful, confirmed_at=now),
        "no_role": session(UserFactory(username="newcomer"), confirmed_at=now),
    }


@transaction.atomic
def build() -> dict[str, Any]:
    """Where every page of the console is, and who comes."""
    stage = candidates.stage()
    rows = {**world.rows(BotFactory(name="Second shop")), **world.everywhere(), **believable(stage)}
    paths, unknown = {}, []
    for address in walking.addresses():
        if address.is_console:
            try:
                paths[address.name.removeprefix("admin:")] = address.path(address.arguments(rows))
            except KeyError as missing:
                unknown.append(f"{address.name}: {missing}")
    return {"paths": paths, "unknown": unknown, **_sessions()}


def main() -> None:
    print(json.dumps(build()))
