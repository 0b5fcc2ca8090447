"""Rows for tests: each factory makes one valid row and what it stands on."""

from collections.abc import Sequence
from typing import Any

import factory
from django.contrib.auth.models import User
from django.utils import timezone

from chat import tokens
from chat.models import (
    Bot,
    Conversation,
    CuratedAnswer,
    Deployment,
    Message,
    Shadow,
    ShadowAnswer,
    Split,
    Visitor,
)
from chat.services import knowledge
from chat.services.knowledge import Draft
from training import frozen
from training.frozen import FrozenRow
from training.models import (
    Dataset,
    DatasetVersion,
    Evaluation,
    Experiment,
    ModelVersion,
    TrainingRun,
)
from training.services import freezing


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"user-{n}")
    is_staff = True


class BotFactory(factory.django.DjangoModelFactory[Bot]):
    class Meta:
        model = Bot

    slug = factory.Sequence(lambda n: f"bot-{n}")
    name = factory.Sequence(lambda n: f"Bot {n}")
    instructions = factory.LazyFunction(lambda: {"en": "Be brief.", "zh-hans": "请简短。"})


class DeploymentFactory(factory.django.DjangoModelFactory[Deployment]):
    class Meta:
        model = Deployment

    bot = factory.SubFactory(BotFactory)
    version = factory.Sequence(lambda n: n + 1)
    engine = "echo"
    is_active = True


class VisitorFactory(factory.django.DjangoModelFactory[Visitor]):
    """``VisitorFactory(token="...")`` knows the visitor's secret."""

    class Meta:
        model = Visitor

    class Params:
        token = factory.Sequence(lambda n: f"token-{n}")

    bot = factory.SubFactory(BotFactory)
    token_hash = factory.LazyAttribute(lambda visitor: tokens.digest(visitor.token))


class ConversationFactory(factory.django.DjangoModelFactory[Conversation]):
    class Meta:
        model = Conversation

    visitor = factory.SubFactory(VisitorFactory)
    bot = factory.SelfAttribute("visitor.bot")


class MessageFactory(factory.django.DjangoModelFactory[Message]):
    """The next message of its conversation; by default something that a customer said."""

    class Meta:
        model = Message

    conversation = factory.SubFactory(ConversationFactory)
    role = Message.Role.CUSTOMER
    text = factory.Sequence(lambda n: f"question {n}")

    @factory.lazy_attribute
    def seq(self) -> int:
        self.conversation.last_seq += 1
        self.conversation.save()
        return int(self.conversation.last_seq)


class ReplyFactory(MessageFactory):
    """A reply that waits for a runner. Its question stands before it."""

    class Params:
        question = "Where is my parcel?"

    role = Message.Role.ASSISTANT
    status = Message.Status.PENDING
    text = ""
    queued_at = factory.LazyFunction(timezone.now)
    attempts_left = 3

    @factory.lazy_attribute
    def reply_to(self) -> Message:
        return MessageFactory(conversation=self.conversation, text=self.question)

    @factory.lazy_attribute
    def seq(self) -> int:
        assert self.reply_to  # Makes the question, so that it is numbered first.
        self.conversation.last_seq += 1
        self.conversation.save()
        return int(self.conversation.last_seq)


class ShadowFactory(factory.django.DjangoModelFactory[Shadow]):
    """One that is open: all replies, 100 at most. Nothing serves its bot."""

    class Meta:
        model = Shadow

    bot = factory.SubFactory(BotFactory)
    champion = factory.SubFactory(
        DeploymentFactory, bot=factory.SelfAttribute("..bot"), is_active=False
    )
    candidate = factory.SubFactory(
        DeploymentFactory, bot=factory.SelfAttribute("..bot"), is_active=False
    )
    share = 100
    limit = 100


class ShadowAnswerFactory(factory.django.DjangoModelFactory[ShadowAnswer]):
    """One that says something else than the customer was told."""

    class Meta:
        model = ShadowAnswer

    shadow = factory.SubFactory(ShadowFactory)
    message = factory.SubFactory(
        ReplyFactory,
        conversation__visitor__bot=factory.SelfAttribute("....shadow.bot"),
        status=Message.Status.SENT,
        text="In two days.",
        source=Message.Source.MODEL,
    )
    status = ShadowAnswer.Status.ANSWERED
    text = "In a week."
    source = Message.Source.MODEL
    latency = 0.2
    difference = "far"
    same_meaning = False


def approve(
    bot: Bot, *questions: str, text: str, locale: str = "en", **fields: Any
) -> CuratedAnswer:
    """An approved answer of the bot, written as staff writes one."""
    draft = Draft(questions=questions, text=text, **fields)
    return knowledge.save(bot, locale, draft, author=None)


class DatasetFactory(factory.django.DjangoModelFactory[Dataset]):
    class Meta:
        model = Dataset

    bot = factory.SubFactory(BotFactory)
    slug = factory.Sequence(lambda n: f"dataset-{n}")
    name = factory.Sequence(lambda n: f"Dataset {n}")


class DatasetVersionFactory(factory.django.DjangoModelFactory[DatasetVersion]):
    """A version whose file nobody wrote: freeze a dataset where its rows matter."""

    class Meta:
        model = DatasetVersion

    dataset = factory.SubFactory(DatasetFactory)
    number = factory.Sequence(lambda n: n + 1)
    sha256 = "0" * 64
    size = 0
    counts = factory.LazyFunction(lambda: {"train": 8, "dev": 2, "test": 2})


class TrainingRunFactory(factory.django.DjangoModelFactory[TrainingRun]):
    """A run that waits for its turn."""

    class Meta:
        model = TrainingRun

    dataset_version = factory.SubFactory(DatasetVersionFactory)
    bot = factory.SelfAttribute("dataset_version.dataset.bot")
    recipe_name = "tiny_test"
    recipe = factory.LazyFunction(dict)
    base = "tiny"


class ModelVersionFactory(factory.django.DjangoModelFactory[ModelVersion]):
    """A model whose files are nowhere."""

    class Meta:
        model = ModelVersion

    name = "shop"
    number = factory.Sequence(lambda n: n + 1)
    base = "tiny"
    artifact = factory.LazyAttribute(lambda version: f"{version.name}-v{version.number}-fp32")
    format = "genai"
    precision = "fp32"
    size = 1
    manifest_sha256 = "0" * 64


class ExperimentFactory(factory.django.DjangoModelFactory[Experiment]):
    """One under way: half of the visitors, 100 conversations of each."""

    class Meta:
        model = Experiment

    model_version = factory.SubFactory(
        ModelVersionFactory, run=factory.SubFactory(TrainingRunFactory)
    )
    bot = factory.SelfAttribute("model_version.run.bot")
    base = 0.6
    effect = 0.2
    per_arm = 100

    @factory.lazy_attribute
    def traffic(self) -> Split:
        newest = self.bot.deployments.order_by("-version").first()
        number = newest.version if newest else 0
        champion, challenger = (
            DeploymentFactory(bot=self.bot, version=number + step, is_active=False)
            for step in (1, 2)
        )
        return Split.objects.create(
            bot=self.bot, champion=champion, challenger=challenger, share=50
        )


class EvaluationFactory(factory.django.DjangoModelFactory[Evaluation]):
    """An evaluation that nothing was measured for yet."""

    class Meta:
        model = Evaluation

    artifact = factory.Sequence(lambda n: f"shop-v{n}-int4")
    dataset_version = factory.SubFactory(DatasetVersionFactory)


def frozen_version(rows: Sequence[FrozenRow], **fields: Any) -> DatasetVersion:
    """A version with a file of these rows."""
    written = frozen.write_rows(freezing.datasets_folder(), rows)
    return DatasetVersionFactory(sha256=written.sha256, size=written.size, **fields)
