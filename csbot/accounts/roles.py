"""Who may do what: the roles that csbot comes with, in one table.

Each becomes a group (:mod:`csbot.accounts.founding`) that administrators change as they like.
A role says what its people may do; grants say on which bots and datasets. ``docs/roles.md``
explains the table to people, and a test holds the two together.
"""

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

APPS = ("auth", "moderation", "chat", "training")
"""Whose permissions roles are made of."""


@dataclass(frozen=True)
class Role:
    """``name`` is the group's, ``says`` explains it to whoever gives it to somebody.

    ``looks_at_everything``: every ``view_*`` permission there is, of later versions, too.
    ``second_factor``: its people prove who they are with an authenticator app.
    """

    slug: str
    name: str
    label: str | Promise
    says: str | Promise
    permissions: frozenset[str]
    looks_at_everything: bool = False
    second_factor: bool = False


def _permissions(app: str, text: str) -> frozenset[str]:
    return frozenset(f"{app}.{name}" for name in text.split())


_CONVERSATIONS = _permissions(
    "chat",
    "view_bot view_conversation view_message view_feedback view_curatedanswer view_cannedreply "
    "view_note view_leftmessage view_suggestion",
)
_KNOWLEDGE = _permissions(
    "chat",
    "view_curatedanswer view_questionvariant view_answerrevision view_dispute view_calibration",
)
_TRAINING = _permissions(
    "training",
    "view_dataset view_example view_datasetversion view_correction view_trainingrun "
    "view_evaluation view_modelversion view_gatepolicy view_increment view_incrementpolicy",
) | _permissions("chat", "view_shadow")

AGENT = Role(
    slug="agent",
    name="Agent",
    label=_("Agent"),
    says=_("Answers customers: takes over conversations, writes notes and canned replies."),
    permissions=_CONVERSATIONS
    | _permissions(
        "chat",
        "answer_conversation assign_conversation add_note add_cannedreply change_cannedreply "
        "change_leftmessage",
    )
    | _permissions("training", "propose_chat"),
)
CURATOR = Role(
    slug="curator",
    name="Curator",
    label=_("Curator"),
    says=_(
        "Writes approved answers, corrects bad ones, and turns conversations into examples that "
        "somebody else approves."
    ),
    permissions=_CONVERSATIONS
    | _KNOWLEDGE
    | _TRAINING
    | _permissions(
        "chat",
        "add_curatedanswer change_curatedanswer delete_curatedanswer export_knowledge "
        "change_dispute "
        "add_cannedreply change_cannedreply delete_cannedreply view_analytics",
    )
    | _permissions(
        "training",
        "add_dataset change_dataset add_example change_example review_example view_reviewitem "
        "propose_chat "
        "add_correction "
        "change_correction add_shadowvote",
    )
    | _permissions("moderation", "view_word add_word view_moderationcase resolve_case"),
)
APPROVER = Role(
    slug="approver",
    name="Approver",
    label=_("Approver"),
    says=_(
        "Approves examples that others wrote, freezes and exports datasets, publishes words, and "
        "is the second person when a gate is overruled."
    ),
    permissions=_CONVERSATIONS
    | _KNOWLEDGE
    | _TRAINING
    | _permissions("chat", "view_analytics")
    | _permissions(
        "training",
        "review_example view_reviewitem propose_chat approve_example change_example add_datasetversion export_dataset "
        "override_gate add_shadowvote",
    )
    | _permissions(
        "moderation",
        "view_word publish_words view_wordlistversion view_policyversion view_moderationcase "
        "resolve_case",
    ),
    second_factor=True,
)
TRAINER = Role(
    slug="trainer",
    name="Trainer",
    label=_("Trainer"),
    says=_("Starts trainings, puts models that others trained into service, and goes back."),
    permissions=_KNOWLEDGE
    | _TRAINING
    | _permissions(
        "chat",
        "view_bot view_deployment view_analytics promote_deployment roll_back_deployment",
    )
    | _permissions(
        "training",
        "add_datasetversion add_trainingrun cancel_trainingrun promote_modelversion",
    ),
    second_factor=True,
)
AUDITOR = Role(
    slug="auditor",
    name="Auditor",
    label=_("Auditor"),
    says=_("Looks at everything of every bot, checks and exports the audit, and changes nothing."),
    permissions=_permissions("chat", "work_on_all_bots view_analytics export_analytics")
    | _permissions("moderation", "export_audit verify_audit"),
    looks_at_everything=True,
    second_factor=True,
)
ADMIN = Role(
    slug="admin",
    name="Admin",
    label=_("Admin"),
    says=_(
        "Sets up bots, keys, people and their roles, policies and words; erases visitors. Approves "
        "no examples, starts no trainings, and cannot change the audit."
    ),
    permissions=_CONVERSATIONS
    | _KNOWLEDGE
    | _TRAINING
    | _permissions("auth", "view_user add_user change_user view_group add_group change_group")
    | _permissions(
        "chat",
        "work_on_all_bots add_bot change_bot delete_bot view_apikey add_apikey change_apikey "
        "delete_apikey view_deployment roll_back_deployment view_visitor erase_visitor "
        "view_analytics export_analytics export_knowledge",
    )
    | _permissions(
        "training",
        "change_gatepolicy add_gatepolicy change_incrementpolicy add_incrementpolicy override_gate "
        "view_erasure",
    )
    | _permissions(
        "moderation",
        "view_word add_word change_word delete_word publish_words view_wordlistversion "
        "view_policyversion publish_policy view_moderationcase resolve_case view_original "
        "view_reveal reveal_original view_auditentry",
    ),
    second_factor=True,
)
ROLES = (AGENT, CURATOR, APPROVER, TRAINER, AUDITOR, ADMIN)

# What only roles with a second factor may do. On how many bots somebody works is no such power.
_OPEN = frozenset[str]().union(*(role.permissions for role in ROLES if not role.second_factor))
_GUARDED = (
    frozenset[str]().union(*(role.permissions for role in ROLES if role.second_factor))
    - _OPEN
    - {"chat.work_on_all_bots"}
)


def wants_second_factor(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether somebody may do what only roles with a second factor may.

    Asked of permissions and not of groups: whoever is given one of them by hand, or through a
    group of one's own, is asked, too. Superusers may do everything.
    """
    held: set[str] = user.get_all_permissions()  # type: ignore[union-attr]
    return not held.isdisjoint(_GUARDED)


def by_slug(slug: str) -> Role | None:
    """A role of the table; None for one that an update took out of it."""
    return next((role for role in ROLES if role.slug == slug), None)
