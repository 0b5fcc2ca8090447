"""Bots, keys and conversations in the staff console."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib import admin, messages
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from chat import console  # noqa: F401 - the pages of knowledge
from chat.console.inbox import InboxPages
from chat.console.own import OfBots
from chat.forms import BotForm
from chat.models import ApiKey, Bot, Conversation, Deployment, Feedback, Message
from chat.services import visitors
from moderation.console.pages import ReadOnly
from moderation.console.recorded import Recorded


@admin.register(Bot)
class BotAdmin(Recorded, OfBots, ModelAdmin):
    to_bot = "pk"
    form = BotForm
    list_display = ("name", "slug", "is_active", "created_at")
    readonly_fields = ("snippet",)
    prepopulated_fields: ClassVar = {"slug": ("name",)}

    @admin.display(description=_("embed in a page"))
    def snippet(self, bot: Bot) -> str:
        if not bot.pk:
            return str(_("Save the bot first."))
        source = f"{settings.PUBLIC_URL}{settings.STATIC_URL}widget/loader.js"
        return f'<script async src="{source}" data-bot="{bot.public_id}"></script>'


@admin.register(ApiKey)
class ApiKeyAdmin(Recorded, OfBots, ModelAdmin):
    list_display = ("name", "bot", "prefix", "created_at", "revoked_at")
    readonly_fields = ("prefix", "created_at")
    list_select_related = ("bot",)

    def save_model(
        self, request: HttpRequest, obj: ApiKey, form: ModelForm[ApiKey], change: bool
    ) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        issued, key = visitors.issue_api_key(obj.bot, name=obj.name)
        obj.pk = issued.pk
        obj.refresh_from_db()
        messages.warning(request, _("Copy this key now, it is not shown again: %s") % key)


@admin.register(Deployment)
class DeploymentAdmin(ReadOnly, OfBots, ModelAdmin):
    list_display = ("bot", "version", "engine", "artifact", "is_active", "created_at")
    list_select_related = ("bot",)


class MessageInline(ReadOnly, TabularInline):
    model = Message
    fields = ("seq", "role", "status", "source", "text", "code", "created_at")
    readonly_fields = fields
    ordering = ("seq",)
    extra = 0


@admin.register(Conversation)
class ConversationAdmin(ReadOnly, OfBots, InboxPages):
    list_display = (
        "public_id", "bot", "status", "agent", "rating", "locale", "last_seq", "updated_at",
    )  # fmt: skip
    list_filter = ("status", "handoff_reason", "bot", "locale", "rating")
    list_select_related = ("bot", "agent")
    date_hierarchy = "created_at"
    inlines = (MessageInline,)


@admin.register(Feedback)
class FeedbackAdmin(ReadOnly, OfBots, ModelAdmin):
    to_bot = "message__conversation__bot"

    list_display = ("value", "why", "comment", "said", "created_at")
    list_filter = ("value",)
    list_select_related = ("message",)
    fields = ("value", "why", "comment", "message", "said", "visitor", "created_at")
    readonly_fields = ("why", "said")

    @admin.display(description=_("reasons"), empty_value="–")
    def why(self, feedback: Feedback) -> str | None:
        words = dict(Feedback.Reason.choices)
        return ", ".join(str(words.get(each, each)) for each in feedback.reasons) or None

    @admin.display(description=_("message"), empty_value="–")
    def said(self, feedback: Feedback) -> str | None:
        return Truncator(feedback.message.text).chars(120) or None
