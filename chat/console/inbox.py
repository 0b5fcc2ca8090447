"""The agents' inbox as a page, and what agents work with as lists."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from chat.access import NotFound, Staff, access_left_message_of
from chat.console.own import OfBots
from chat.console.pages import Pages
from chat.forms import LANGUAGES
from chat.models import CannedReply, Conversation, LeftMessage
from chat.services import left_messages
from moderation.encryption import Undecipherable
from moderation.services import audit

ALL_BOTS = "chat.work_on_all_bots"
PERMISSION = "chat.answer_conversation"
TABS = (
    ("waiting", _("Waiting")),
    ("mine", _("Mine")),
    ("team", _("Colleagues")),
    ("bot", _("Bot")),
    ("closed", _("Closed")),
)
FACTS = (
    ("bot", _("Bot")),
    ("locale", _("Language")),
    ("page", _("Page")),
    ("reason", _("Reason for a person")),
    ("waiting", _("Waiting since")),
    ("agent", _("Agent")),
    ("began", _("Began")),
    ("rating", _("Rating")),
)
KEYS = (
    ("j / k", _("next, previous conversation")),
    ("t", _("take over")),
    ("h", _("back to the bot")),
    ("r", _("write to the customer")),
    ("n", _("write a note")),
    ("s", _("suggest a reply")),
    ("/", _("search; in the text field: canned replies")),
    ("Ctrl + Enter", _("send")),
    ("Esc", _("leave the field")),
    ("?", _("this list")),
)
SOURCES = {
    "curated": _("approved answer"),
    "cache": _("answer that many asked for"),
    "model": _("the model"),
}
WORDS: dict[str, Any] = {
    "visitor": _("Visitor {name}"),
    "nothing_said": _("Nothing said yet"),
    "nothing_found": _("Nothing fits the search."),
    "empty": {
        "waiting": _("Nobody waits for a person."),
        "mine": _("You have no conversation. Take one from those who wait."),
        "team": _("No colleague is in a conversation."),
        "bot": _("The bot talks to nobody."),
        "closed": _("No conversation has been closed yet."),
    },
    "roles": {"customer": "", "assistant": _("Bot: "), "agent": _("Agent: ")},
    "unread": _("{count} unread"),
    "left": _("left a message"),
    "who": {
        "customer": _("Customer"),
        "assistant": _("Bot"),
        "agent": _("Agent"),
        "notice": "csbot",
    },
    "sources": SOURCES,
    "statuses": {
        "pending": _("The bot is about to answer."),
        "generating": _("The bot is writing ..."),
        "failed": _("No answer came."),
        "cancelled": _("Stopped."),
        "withheld": _("Kept from the bot by moderation."),
        "taken_over": _("Ended when an agent took over."),
        "closed": _("Ended with the conversation."),
        "unsure": _("The bot was not sure."),
    },
    "feedback": {"up": _("The customer found this helpful"), "down": _("Did not help")},
    "states": {
        "open": _("with the bot"),
        "waiting": _("waits for a person"),
        "taken": _("with an agent"),
        "closed": _("closed"),
    },
    "yours": _("with you"),
    "with": _("with {name}"),
    "suggestions": {
        "pending": _("Waits until no customer waits for the bot ..."),
        "writing": _("Being written ..."),
        "failed": _("The bot has no suggestion."),
    },
    "sure": _("{percent} % sure"),
    "note_here": _("Only colleagues read this."),
    "reply_here": _("Write to the customer ..."),
    "take_first": _("Take over to answer. The bot is silent from then on."),
    "add_note": _("Add note"),
    "send": _("Send"),
    "unsent": _(
        "This was not sent. Try again when the connection is back; it will not arrive twice."
    ),
    "lost": _("Connection lost, trying again ..."),
    "refused": _("You may no longer use the inbox here. Log in again."),
    "online": _("Also here: {names}"),
    "alone": _("No colleague is here"),
    "nameless": _("No name"),
    "not_shown": _("This cannot be shown now."),
    "not_proposed": _("This could not be proposed now."),
}


class InboxPages(Pages):
    """Stands beside the list of conversations."""

    section = "inbox"

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("inbox/", self.inbox_view, "page"),
            self.route("inbox/left/<uuid:left>/reveal/", require_POST(self.reveal_view), "reveal"),
            *super().get_urls(),
        ]

    def inbox_view(self, request: HttpRequest) -> HttpResponse:
        """The frame alone: everything in it comes over the socket."""
        self.require(request, PERMISSION)
        reasons = Conversation.HandoffReason.choices
        words = {
            **WORDS,
            "reasons": {"": "", **dict(reasons)},
            "reveal": reverse("admin:inbox_reveal", args=[UUID(int=0)]),
        }
        if request.user.has_perm("chat.view_conversation"):
            words["why"] = reverse("admin:training_why", args=[UUID(int=0)])
        if request.user.has_perm("training.propose_chat"):
            words["propose"] = reverse("admin:review_propose_chat", args=[UUID(int=0)])
        return self.page(
            request,
            "inbox",
            _("Inbox"),
            tabs=TABS,
            facts=FACTS,
            keys=KEYS,
            reasons=[(value, capfirst(label)) for value, label in reasons],
            locales=LANGUAGES.items(),
            words=words,
        )

    def reveal_view(self, request: HttpRequest, left: UUID) -> HttpResponse:
        """How to reach somebody who left a message: a page and no request of the socket, because
        it asks again who somebody is, as everything does that shows what was masked."""
        self.require(request, PERMISSION)
        assert isinstance(request.user, User)
        try:
            found = access_left_message_of(request.user, left)
        except NotFound:
            raise Http404 from None
        try:
            contact = left_messages.reveal_contact(found, by=request.user)
        except Undecipherable:
            # Its key is gone, with what was erased.
            return JsonResponse({"problem": str(WORDS["not_shown"])}, status=409)
        return JsonResponse({"contact": contact})


@admin.register(CannedReply)
class CannedReplyAdmin(OfBots, Pages):
    list_display = ("name", "bot", "language", "beginning", "is_active", "updated_at")
    list_filter = ("bot", "locale", "is_active")
    list_select_related = ("bot",)
    search_fields = ("shortcut", "text")
    fields = ("shortcut", "bot", "locale", "text", "is_active")

    def mine(self, user: Staff) -> Q:
        """Those for all bots, too: agents use them everywhere."""
        return super().mine(user) | Q(bot=None)

    def has_change_permission(self, request: HttpRequest, obj: CannedReply | None = None) -> bool:
        return self._may(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: CannedReply | None = None) -> bool:
        return self._may(request, obj) and super().has_delete_permission(request, obj)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        if "bot" in form.base_fields:
            form.base_fields["bot"].required = not request.user.has_perm(ALL_BOTS)
        return form

    @transaction.atomic
    def save_model(
        self, request: HttpRequest, obj: CannedReply, form: ModelForm[CannedReply], change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        _record("canned_reply.changed" if change else "canned_reply.added", obj)

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: CannedReply) -> None:
        _record("canned_reply.deleted", obj)
        super().delete_model(request, obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[CannedReply]) -> None:
        for reply in queryset:
            self.delete_model(request, reply)

    def _may(self, request: HttpRequest, reply: CannedReply | None) -> bool:
        """What all bots say is for those to change who work on all bots."""
        return reply is None or reply.bot_id is not None or request.user.has_perm(ALL_BOTS)

    @admin.display(description=_("short name"), ordering="shortcut")
    def name(self, reply: CannedReply) -> str:
        return f"/{reply.shortcut}"

    @admin.display(description=_("language"), ordering="locale")
    def language(self, reply: CannedReply) -> str:
        return str(LANGUAGES[reply.locale])

    @admin.display(description=_("text"))
    def beginning(self, reply: CannedReply) -> str:
        return reply.text[:80]


def _record(action: str, reply: CannedReply) -> None:
    bot = reply.bot.slug if reply.bot else ""
    audit.record(action, target=f"canned-reply:{reply.pk}", bot=bot)


@admin.register(LeftMessage)
class LeftMessageAdmin(OfBots, Pages):
    to_bot = "conversation__bot"
    list_display = ("name", "text", "created_at", "answered_at", "answered_by")
    list_filter: ClassVar = ("conversation__bot", ("answered_at", admin.EmptyFieldListFilter))
    list_select_related = ("answered_by",)
    fields = ("conversation", "name", "text", "created_at", "answered_at", "answered_by")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
