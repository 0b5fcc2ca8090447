"""One row of everything for a bot of one's own, and the same for somebody else's bot.

A new model of the console gets its row in :func:`rows`, an address with an unusual argument gets it in
:data:`ARGUMENTS`.
"""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone

from chat.models import (
    AnswerRevision,
    Bot,
    CannedReply,
    Conversation,
    Dispute,
    Feedback,
    LeftMessage,
    Message,
)
from moderation.models import ModerationCase, Original, PolicyVersion, Reveal, Word, WordListVersion
from moderation.services import audit
from tests.factories import (
    BotFactory,
    ConversationFactory,
    DatasetFactory,
    DatasetVersionFactory,
    DeploymentFactory,
    EvaluationFactory,
    ExperimentFactory,
    MessageFactory,
    ModelVersionFactory,
    ReplyFactory,
    ShadowFactory,
    TrainingRunFactory,
    UserFactory,
    VisitorFactory,
    approve,
)
from training import certificates
from training.models import (
    Correction,
    Erasure,
    Example,
    GatePolicy,
    Increment,
    IncrementPolicy,
    ReviewItem,
)

Rows = dict[str, Any]


def rows(bot: Bot) -> Rows:
    """By ``app_model``, and a few more that :data:`ARGUMENTS` need."""
    visitor = VisitorFactory(bot=bot, token=f"visitor-of-{bot.pk}")
    conversation: Conversation = ConversationFactory(visitor=visitor)
    question: Message = MessageFactory(conversation=conversation)
    reply: Message = ReplyFactory(conversation=conversation, reply_to=question, status="sent")
    answer = approve(bot, f"what is {bot.pk}", text="this")
    run = TrainingRunFactory(dataset_version=DatasetVersionFactory(dataset=DatasetFactory(bot=bot)))
    version = run.dataset_version
    model = ModelVersionFactory(run=run)
    scope = str(conversation.public_id)
    original = Original.objects.create(
        scope=scope, kind="phone", number=1, digest=uuid.uuid4().bytes, ciphertext=b""
    )
    return {
        "visitor": visitor,
        "message": question,
        "reply": reply,
        "answerrevision": AnswerRevision.objects.filter(answer=answer).first(),
        "chat_bot": bot,
        "chat_apikey": bot.api_keys.create(name="key", prefix="k", key_hash=uuid.uuid4().bytes * 2),
        "chat_deployment": DeploymentFactory(bot=bot),
        "chat_conversation": conversation,
        "chat_curatedanswer": answer,
        "chat_calibration": bot.calibrations.create(
            purpose="match", locale="en", embedder="ngrams", values={}, curve=[], samples=1
        ),
        "chat_dispute": Dispute.objects.create(
            bot=bot, message=question, question="q", normalized="q", shown="s", locale="en"
        ),
        "chat_feedback": Feedback.objects.create(message=reply, visitor=visitor, value="up"),
        "chat_cannedreply": CannedReply.objects.create(bot=bot, shortcut="hi", text="Hello"),
        "chat_leftmessage": LeftMessage.objects.create(
            conversation=conversation, contact=b"", text="call me"
        ),
        "moderation_moderationcase": ModerationCase.objects.create(
            scope=scope, direction="inbound", action="review"
        ),
        "moderation_original": original,
        "moderation_reveal": Reveal.objects.create(
            original=original,
            scope=scope,
            label="phone",
            reason="asked",
            revealed_by=UserFactory(),
        ),
        "training_dataset": version.dataset,
        "training_datasetversion": version,
        "training_example": Example.objects.create(
            dataset=version.dataset,
            digest=uuid.uuid4().hex,
            messages=[{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
        ),
        "training_trainingrun": run,
        "training_modelversion": model,
        "training_experiment": ExperimentFactory(model_version=model, bot=bot),
        "chat_shadow": ShadowFactory(bot=bot),
        "training_evaluation": EvaluationFactory(dataset_version=version, run=run),
        "training_correction": Correction.objects.create(bot=bot, locale="en", text="t"),
        "training_gatepolicy": GatePolicy.objects.create(bot=bot),
        "training_increment": Increment.objects.create(bot=bot, size=1),
        "training_incrementpolicy": IncrementPolicy.objects.create(bot=bot),
        "training_reviewitem": ReviewItem.objects.create(
            bot=bot, conversation=conversation, message=reply, reason="rated", locale="en", turns=[]
        ),
        "training_erasure": Erasure.objects.create(
            bot=bot,
            reason="asked",
            visitor=uuid.uuid4(),
            finished_at=timezone.now(),
            commitments=certificates.commitments(["visitor:1"]),
        ),
    }


def everywhere() -> Rows:
    """What belongs to no bot."""
    words = WordListVersion.objects.create(number=9001, content="", sha256="0" * 64, size=0)
    return {
        "auth_user": UserFactory(username="somebody"),
        "auth_group": Group.objects.create(name="some group"),
        "moderation_auditentry": audit.record("word.looked_at"),
        "moderation_word": Word.objects.create(term="darn", category="insult"),
        "moderation_wordlistversion": words,
        "moderation_policyversion": PolicyVersion.objects.create(
            number=9001, word_list=words, rules={}
        ),
    }


ARGUMENTS: dict[str, Callable[[Rows], dict[str, Any]]] = {
    "app_list": lambda _: {"app_label": "chat"},
    "view_on_site": lambda r: {"content_type_id": 999_999, "object_id": r["chat_bot"].pk},
    "knowledge_restore": lambda r: {"pk": r["answerrevision"].pk},
    "knowledge_clear_cache": lambda r: {"pk": r["chat_bot"].pk},
    "knowledge_resolve": lambda r: {"pk": r["chat_dispute"].pk},
    "moderation_activate": lambda r: {"pk": r["moderation_policyversion"].pk},
    "moderation_resolve": lambda r: {"pk": r["moderation_moderationcase"].pk},
    "moderation_reveal": lambda r: {"pk": r["moderation_original"].pk},
    "auth_user_password_change": lambda r: {"id": r["auth_user"].pk},
    "training_why": lambda r: {"message": r["reply"].public_id},
    "training_retire_correction": lambda r: {"pk": r["training_correction"].pk},
    "training_freeze": lambda r: {"pk": r["training_dataset"].pk},
    "training_teach": lambda r: {"pk": r["training_datasetversion"].pk},
    "training_report": lambda r: {"pk": r["training_dataset"].pk},
    "training_import": lambda r: {"pk": r["training_dataset"].pk},
    "training_export": lambda r: {"pk": r["training_dataset"].pk},
    "training_close_increment": lambda r: {"pk": r["training_increment"].pk},
    "training_cancel_increment": lambda r: {"pk": r["training_increment"].pk},
    "training_cancel_run": lambda r: {"pk": r["training_trainingrun"].pk},
    "training_resume_run": lambda r: {"pk": r["training_trainingrun"].pk},
    "training_end_experiment": lambda r: {"pk": r["training_experiment"].pk},
    "training_stop_shadow": lambda r: {"pk": r["chat_shadow"].pk},
    "training_vote_shadow": lambda r: {"pk": r["chat_shadow"].pk},
    "training_roll_back": lambda r: {"bot_pk": r["chat_bot"].pk},
    "training_fleet": lambda r: {"bot_pk": r["chat_bot"].pk},
    "review_propose_chat": lambda r: {"conversation": r["chat_conversation"].public_id},
    "review_decide": lambda r: {"item": r["training_reviewitem"].public_id},
    "erase_visitor": lambda r: {"public_id": r["visitor"].public_id},
    "inbox_reveal": lambda r: {"left": r["chat_leftmessage"].public_id},
    "privacy_certificate": lambda r: {"pk": r["training_erasure"].pk},
    **{
        f"training_{name}": lambda r: {"pk": r["training_modelversion"].pk}
        for name in (
            "promotion",
            "promote",
            "measure_champion",
            "ask_override",
            "agree_override",
            "withdraw_override",
        )
    },
}
"""What stands in the addresses of pages beside a model's own. The others need nothing, or a model's row."""

GLOBAL = frozenset({"app_list", "view_on_site", "moderation_activate", "auth_user_password_change"})
"""Addresses with an argument that is nobody's."""
SHARED_MODELS = frozenset(
    {
        "auth_user",
        "auth_group",
        "moderation_auditentry",
        "moderation_word",
        "moderation_wordlistversion",
        "moderation_policyversion",
    }
)


def missing(arguments: dict[str, Any]) -> dict[str, Any]:
    """The same with ids that were never given out."""
    return {
        name: uuid.UUID(int=4) if isinstance(value, uuid.UUID) else 987_654_321
        for name, value in arguments.items()
    }


def two_bots() -> tuple[Rows, Rows]:
    shared = everywhere()
    own, foreign = (rows(BotFactory()) for _ in range(2))
    return {**own, **shared}, {**foreign, **shared}
