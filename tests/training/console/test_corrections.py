"""Pages that explain an answer and put it right: for those who may, and for their bots alone."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import translation

from chat.models import Bot, Message
from chat.services import conversations, replies
from chat.services.replies import Provenance
from tests.factories import (
    BotFactory,
    ConversationFactory,
    DatasetFactory,
    DatasetVersionFactory,
    DeploymentFactory,
    EvaluationFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    UserFactory,
    VisitorFactory,
    approve,
    frozen_version,
)
from tests.training.rows import pair
from training.formats import Turn
from training.models import Correction, EvaluatedAnswer, Evaluation, Example, FrozenExample
from training.services import correcting, examples

pytestmark = pytest.mark.django_db

ASKED = "Can I bring the pot back?"
EVERY = (
    "chat.view_conversation",
    "chat.work_on_all_bots",
    "chat.view_curatedanswer",
    "training.view_correction",
    "training.add_correction",
    "training.change_correction",
    "training.view_modelversion",
    "training.view_trainingrun",
    "training.view_example",
)


@pytest.fixture(autouse=True)
def _small_embedder(settings: Any) -> Iterator[None]:
    from training.console.corrections import _shelf

    settings.CHAT_EMBEDDER = "ngrams"
    _shelf.cache_clear()
    yield
    _shelf.cache_clear()


def person(*permissions: str) -> tuple[Client, User]:
    user = UserFactory()
    for each in permissions:
        app, codename = each.split(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    client = Client()
    client.force_login(user)
    return client, user


@pytest.fixture
def bot() -> Bot:
    made: Bot = BotFactory(confidence_threshold=0)
    return made


def answered(bot: Bot, *, artifact: str = "") -> Message:
    deployment = DeploymentFactory(bot=bot, artifact=artifact)
    conversation = ConversationFactory(visitor=VisitorFactory(bot=bot))
    conversations.post_message(conversation, text=ASKED)
    (claim,) = replies.claim(owner="runner", limit=1)
    provenance = Provenance(
        deployment=deployment,
        prompt_version="3",
        policy_version="7",
        timings={"first_token": 0.25, "answer": 1.5},
        confidence=0.81,
    )
    replies.settle_sent(claim, text="No, <b>never</b>.", source="model", provenance=provenance)
    claim.message.refresh_from_db()
    return claim.message


def why(message: Message) -> str:
    return reverse("admin:training_why", args=[message.public_id])


def test_it_says_what_is_known_of_an_answer(bot: Bot) -> None:
    dataset = DatasetFactory(bot=bot)
    row = pair("May I return a pot?", "Yes, within 30 days.", id=str(uuid.uuid4()))
    version = frozen_version([row], dataset=dataset)
    run = TrainingRunFactory(dataset_version=version)
    model = ModelVersionFactory(run=run)
    approve(bot, "May I return a pot?", text="Yes, within 30 days.")
    correcting_page, _ = person(*EVERY)
    message = answered(bot, artifact=model.artifact)
    # The run looked its rows up, so their vectors are kept.
    from chat.libraries import LibraryShelf, embedded

    embedded(["May I return a pot?"], LibraryShelf().embedder)

    page = correcting_page.get(why(message)).content.decode()
    for said in (
        ASKED,
        "No, &lt;b&gt;never&lt;/b&gt;.",
        "0.81",
        "1.500",
        str(model),
        "May I return",
    ):
        assert said in page
    assert str(version) in page


def test_a_bad_answer_is_put_right_from_there(bot: Bot) -> None:
    client, user = person(*EVERY)
    message = answered(bot)
    page = client.post(why(message), {"text": "Yes, within 30 days."}, follow=True)

    correction = Correction.objects.get()
    assert (correction.created_by, correction.text) == (user, "Yes, within 30 days.")
    assert page.redirect_chain == [
        (reverse("admin:training_correction_change", args=[correction.pk]), 302)
    ]
    assert client.get(reverse("admin:training_correction_changelist")).status_code == 200


def test_a_refused_text_comes_back_with_the_reason(bot: Bot) -> None:
    client, _ = person(*EVERY)
    page = client.post(why(answered(bot)), {"text": "x" * 4001})
    assert page.status_code == 200
    assert "x" * 4000 in page.content.decode()
    assert 'role="alert"' in page.content.decode()
    assert not Correction.objects.exists()


def test_an_override_is_retired(bot: Bot) -> None:
    client, user = person(*EVERY)
    correction = correcting.correct(answered(bot), text="Yes.", by=None)
    client.get(reverse("admin:training_retire_correction", args=[correction.pk]))
    correction.refresh_from_db()
    assert correction.retired_at is None, "looking changes nothing"

    client.post(reverse("admin:training_retire_correction", args=[correction.pk]))
    correction.refresh_from_db()
    assert correction.retired_by == user


def test_another_bots_answers_are_as_if_they_were_not_there(bot: Bot) -> None:
    stranger, _ = person(*(each for each in EVERY if each != "chat.work_on_all_bots"))
    message = answered(bot)
    correction = correcting.correct(message, text="Yes.", by=None)

    foreign = stranger.get(why(message))
    missing = stranger.get(reverse("admin:training_why", args=[uuid.uuid4()]))
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    retire = reverse("admin:training_retire_correction", args=[correction.pk])
    assert stranger.post(retire).status_code == 404
    page = stranger.get(reverse("admin:training_correction_changelist"))
    assert ASKED not in page.content.decode()


@pytest.mark.parametrize("lacking", ["chat.view_conversation", "training.add_correction"])
def test_without_the_permission_nothing_is_put_right(bot: Bot, lacking: str) -> None:
    client, _ = person(*(each for each in EVERY if each != lacking))
    assert client.post(why(answered(bot)), {"text": "Yes."}).status_code == 403
    assert not Correction.objects.exists()


def test_nobody_retires_without_the_permission(bot: Bot) -> None:
    client, _ = person(*(each for each in EVERY if each != "training.change_correction"))
    correction = correcting.correct(answered(bot), text="Yes.", by=None)
    page = client.post(reverse("admin:training_retire_correction", args=[correction.pk]))
    assert page.status_code == 403


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_opens_in_both_languages(bot: Bot, language: str) -> None:
    client, _ = person(*EVERY)
    message = answered(bot)
    correction = correcting.correct(message, text="Yes.", by=None)
    client.cookies["django_language"] = language
    for address in (
        why(message),
        reverse("admin:training_correction_changelist"),
        reverse("admin:training_correction_change", args=[correction.pk]),
    ):
        with translation.override(language):
            assert client.get(address).status_code == 200


def test_an_example_tells_the_models_that_learned_from_it(bot: Bot) -> None:
    client, _ = person(*EVERY)
    dataset = DatasetFactory(bot=bot)
    turns = [Turn("user", "May I return a pot?"), Turn("assistant", "Yes, within 30 days.")]
    example = examples.save(Example(dataset=dataset, group="returns"), turns, author=None)
    address = reverse("admin:training_example_change", args=[example.pk])
    assert "No model has learned from it yet" in client.get(address).content.decode()

    version = DatasetVersionFactory(dataset=dataset)
    FrozenExample.objects.create(
        version=version, example=example, digest=example.digest, split="train"
    )
    model = ModelVersionFactory(run=TrainingRunFactory(dataset_version=version))
    before, after = (
        EvaluationFactory(dataset_version=version, status=Evaluation.Status.FINISHED)
        for _ in range(2)
    )
    after.model_version, after.baseline = model, before
    after.save()
    for evaluation, given, outcome in ((before, "Never.", "wrong"), (after, "Yes!", "right")):
        EvaluatedAnswer.objects.create(
            evaluation=evaluation,
            position=0,
            digest="d",
            question="Can pots go back?",
            expected="Yes, within 30 days.",
            given=given,
            group="returns",
            scenario="returns",
            locale="en",
            outcome=outcome,
        )
    page = client.get(address).content.decode()
    for said in (str(model), "Can pots go back?", "Never.", "Yes!", "got better"):
        assert said in page
