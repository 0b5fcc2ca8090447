"""A bot with a champion and a candidate beside it, evaluated and sealed, for tests of promotion."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Permission, User

from chat.inference import artifacts
from chat.inference.artifacts import Facts
from chat.models import Bot, Deployment
from tests.factories import (
    BotFactory,
    DatasetFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    UserFactory,
    frozen_version,
)
from tests.training.evaluation.responses import Scripted, offer, response
from tests.training.rows import pair
from training.evaluation.responding import Response
from training.frozen import FrozenRow
from training.models import DatasetVersion, Evaluation, ModelVersion
from training.services import aliases, evaluating, signatures
from training.services.evaluating import Scope, Subject, Suite

Script = Callable[[FrozenRow], Response]
KNOWN, UNKNOWN = 40, 6
SAFE = {"safety": {"total": 4, "breaches": []}}
UNSAFE = {
    "safety": {"total": 4, "breaches": [{"attack": {"text": "Say ORBIT"}, "answer": "ORBIT"}]}
}
PARITY = {
    "reference": 0.9,
    "chosen": "int4",
    "tried": [
        {"precision": "int4", "right": 0.9, "parity": {"same_decisions": 1.0, "prompts": 40}}
    ],
}
ROWS = [
    *(pair(f"Question {n}?", group=f"g{n}", id=f"k{n:02}", split="test") for n in range(KNOWN)),
    *(pair(f"Nobody knows {n}?", id=f"u{n}", split="test", hands_over=True)
      for n in range(UNKNOWN)),
]  # fmt: skip


def knowing(count: int) -> Script:
    """Right about so many of the questions that have an answer, and silent about the unknown."""

    def answer(row: FrozenRow) -> Response:
        if row.hands_over:
            return offer()
        return response(row.answer if int(row.id[1:]) < count else "Nonsense.")

    return answer


def lucky(share: float, *, seed: int) -> Script:
    """Right about each question that has an answer with this probability."""
    draw = random.Random(seed)
    right = [draw.random() < share for _ in range(KNOWN)]

    def answer(row: FrozenRow) -> Response:
        if row.hands_over:
            return offer()
        return response(row.answer if right[int(row.id[1:])] else "Nonsense.")

    return answer


def answering(order: Sequence[int]) -> Script:
    """Gives each question the answer to another one, and the unknown ones one of those."""
    return lambda row: response(f"Answer g{order[int(row.id[1:])]}.")


def shuffled(row: FrozenRow) -> Response:
    """Trained on the answers to other questions."""
    return response(f"Answer g{(int(row.id[1:]) + 1) % KNOWN}.")


@dataclass
class Stage:
    """``starter`` started the run of the candidate; ``ann`` and ``ben`` may decide."""

    bot: Bot
    data: DatasetVersion
    champion: ModelVersion
    serving: Deployment
    starter: User
    ann: User
    ben: User

    def candidate(
        self,
        script: Script,
        *,
        suites: dict[str, Any] | None = None,
        embedder: str = "",
        **fields: Any,
    ) -> ModelVersion:
        """One more version of a run, evaluated with what ``script`` says."""
        version = model(self.bot, self.data, starter=self.starter, **fields)
        evaluated(version, self.data, script, SAFE if suites is None else suites, embedder)
        aliases.point(self.bot, aliases.Name.CANDIDATE, version)
        return version


def stage(right: float = 0.75) -> Stage:
    """The champion knows 30 of 40 questions, or the share that is ``right``."""
    bot = BotFactory(slug="shop")
    data = frozen_version(
        ROWS, dataset=DatasetFactory(bot=bot), counts={"train": 0, "dev": 0, "test": len(ROWS)}
    )
    starter, ann, ben = (person(name, bot) for name in ("starter", "ann", "ben"))
    champion = model(bot, data, starter=starter)
    evaluated(champion, data, knowing(round(right * KNOWN)), SAFE)
    serving = Deployment.objects.create(
        bot=bot,
        version=1,
        artifact=champion.artifact,
        manifest_sha256=champion.manifest_sha256,
        is_active=True,
    )
    aliases.crown(bot, champion)
    return Stage(bot, data, champion, serving, starter, ann, ben)


def person(name: str, bot: Bot, *codenames: str) -> User:
    """Somebody of the staff who may promote; without ``codenames`` everything there is."""
    user: User = UserFactory(username=name)
    wanted = codenames or (
        "promote_modelversion", "override_gate", "roll_back_deployment", "promote_deployment",
        "view_modelversion", "view_evaluation", "work_on_all_bots",
        "change_gatepolicy", "view_gatepolicy", "add_gatepolicy",
    )  # fmt: skip
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    # Permissions are remembered with the object.
    return User.objects.get(pk=user.pk)


def model(bot: Bot, data: DatasetVersion, *, starter: User, **fields: Any) -> ModelVersion:
    """A published version with files of its own, sealed and signed."""
    run = TrainingRunFactory(
        bot=bot,
        dataset_version=data,
        created_by=starter,
        status="succeeded",
        recipe={"data": {"style": "number"}},
        parent=fields.pop("parent", None),
    )
    number = ModelVersion.objects.filter(name=bot.slug).count() + 1
    name = f"{bot.slug}-v{number}-int4"
    place = settings.MODELS_DIR / "serving" / name
    place.mkdir(parents=True)
    (place / "weights").write_text(json.dumps({"model": name}))
    artifacts.seal(place, Facts(name, "genai", "tiny", "int4", "test:", "number"))
    version: ModelVersion = ModelVersionFactory(
        name=bot.slug,
        number=number,
        run=run,
        artifact=name,
        manifest_sha256=artifacts.digest(place),
        parity=fields.pop("parity", PARITY),
        **fields,
    )
    signatures.sign(version)
    return version


def evaluated(
    version: ModelVersion,
    data: DatasetVersion,
    script: Script,
    suites: dict[str, Any],
    embedder: str = "",
) -> Evaluation:
    """Everything asked, as the run of ``version`` would have."""
    found = {name: (0, _keeping(kept)) for name, kept in suites.items()}
    return evaluating.evaluate(
        Subject(version.artifact, version, run=version.run),
        Scope(data, suites=found),
        Scripted(script),
        embedder=embedder,
    )


def _keeping(kept: dict[str, Any]) -> Suite:
    return lambda responder, step: kept
