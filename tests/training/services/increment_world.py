"""A bot with a model in service, a queue of proposals and people who decide, for tests of the loop."""

import itertools
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Permission, User

from chat.inference import artifacts
from chat.models import Bot
from tests.factories import (
    ConversationFactory,
    DatasetFactory,
    DatasetVersionFactory,
    EvaluationFactory,
    ModelVersionFactory,
    ReplyFactory,
    TrainingRunFactory,
    UserFactory,
    VisitorFactory,
)
from tests.training.candidates import Stage
from training import places
from training.models import Dataset, ModelVersion, ReviewItem
from training.services import reviewing
from training.services.reviewing import Decision, Verdict

_numbers = itertools.count(1)


def reviewer(name: str, bot: Bot, *codenames: str) -> User:
    """Somebody of the bot who may approve, and so close a batch; or only what is named."""
    user: User = UserFactory(username=name)
    wanted = codenames or ("review_example", "approve_example", "view_increment")
    user.user_permissions.set(Permission.objects.filter(codename__in=(*wanted, "work_on_all_bots")))
    return User.objects.get(pk=user.pk)


def proposal(bot: Bot, topic: str = "other", value: float = 1.0, **fields: Any) -> ReviewItem:
    """One answer that waits for a reviewer."""
    number = next(_numbers)
    conversation = ConversationFactory(visitor=VisitorFactory(bot=bot))
    about = {
        "locale": "en",
        "turns": [{"role": "user", "content": f"May I ask for thing {number}?"}],
        "answer": f"You may ask for thing {number}.",
        "reason": "liked",
        "cluster": f"cluster-{number}",
        **fields,
    }
    message = ReplyFactory(conversation=conversation, status="sent", text=about["answer"])
    return ReviewItem.objects.create(
        bot=bot, conversation=conversation, message=message, scenario=topic, value=value, **about
    )


def approve(item: ReviewItem, by: User) -> None:
    reviewing.decide(item, Decision(Verdict.APPROVE), by=by)


def reject(item: ReviewItem, by: User) -> None:
    reviewing.decide(item, Decision(Verdict.REJECT, rejection="wrong"), by=by)


def learned(
    bot: Bot,
    train: int,
    rate: float,
    *,
    parent: ModelVersion | None = None,
    number: int | None = None,
    **data: Any,
) -> ModelVersion:
    """A model of a run over so many rows that answered this share of its questions right."""
    version = DatasetVersionFactory(
        dataset=Dataset.objects.filter(bot=bot).first() or DatasetFactory(bot=bot),
        counts={"train": train, "dev": 0, "test": 40},
    )
    run = TrainingRunFactory(bot=bot, dataset_version=version, parent=parent, recipe={"data": data})
    named = {} if number is None else {"name": bot.slug, "number": number}
    made: ModelVersion = ModelVersionFactory(run=run, **named)
    EvaluationFactory(
        model_version=made,
        run=run,
        dataset_version=version,
        status="finished",
        figures={"questions": 40, "accuracy": {"rate": rate}},
    )
    return made


def with_weights(stage: Stage) -> ModelVersion:
    """The champion, with what a run goes on from."""
    champion = stage.champion
    champion.weights = f"{champion.name}-v{champion.number}"
    champion.save(update_fields=["weights"])
    folder = places.weights_folder(champion.weights)
    folder.mkdir(parents=True)
    (folder / "weights").write_text("w")
    artifacts.seal(folder, artifacts.Facts("tiny", "safetensors", "tiny", "fp32", "test:"))
    assert settings.VAR_DIR in folder.parents
    return champion
