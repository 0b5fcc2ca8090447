"""Approved answers from files and into files."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, reverse
from django.utils.translation import gettext_lazy as _

from chat.access import bots_of
from chat.console.forms import ImportForm, TargetForm, shelf
from chat.console.own import offer_own
from chat.console.pages import Pages, sent
from chat.knowledge import files
from chat.knowledge.files import Contents, Entry, FileRefused
from chat.models import Bot
from chat.services import importing
from chat.services.knowledge import InvalidAnswer

_SIGNED_FOR_SECONDS = 3600
_SALT = "chat.knowledge.import"
# Django refuses forms above 2.5 MB.
_LARGEST_PREVIEW = 2_000_000
_SHOWN = 200
_TYPES = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"}


class ImportPages(Pages):
    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("import/", self.import_view, "import"),
            self.route("export/", self.export_view, "export"),
            *super().get_urls(),
        ]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Upload, look, confirm. What is confirmed is what was shown: it comes back signed."""
        self.require(request, "chat.add_curatedanswer", "chat.change_curatedanswer")
        if signed := request.POST.get("answers"):
            return self._confirm(request, signed)
        form = ImportForm(sent(request)[0], request.FILES or None, initial=request.GET.dict())
        offer_own(form.fields, request.user, {Bot: bots_of})
        if request.method == "POST" and form.is_valid():
            upload = form.cleaned_data["file"]
            bot, locale = form.cleaned_data["bot"], form.cleaned_data["locale"]
            try:
                contents = files.read(upload.read(files.LARGEST_FILE + 1), upload.name)
                return self._preview(request, bot, locale, contents)
            except FileRefused as error:
                form.add_error("file", str(importing.FAULTS[error.fault]))
        return self.page(request, "import", _("Import answers"), form=form)

    def export_view(self, request: HttpRequest) -> HttpResponse:
        self.require(request, "chat.view_curatedanswer", "chat.export_knowledge")
        form = _target(request, request.GET or None)
        kind = request.GET.get("format", "jsonl")
        if not form.is_valid() or kind not in files.FORMATS:
            return self.page(request, "export", _("Export answers"), form=_target(request, None))
        bot, locale = form.cleaned_data["bot"], form.cleaned_data["locale"]
        lines = files.csv_lines if kind == "csv" else files.jsonl
        answer = HttpResponse(
            "".join(lines(importing.exported(bot, locale))), content_type=_TYPES[kind]
        )
        answer["Content-Disposition"] = f'attachment; filename="{bot.slug}.{locale}.{kind}"'
        return answer

    def _preview(
        self, request: HttpRequest, bot: Bot, locale: str, contents: Contents, error: Any = ""
    ) -> HttpResponse:
        plan = importing.plan(bot, locale, contents, shelf=shelf())
        signed = _signed(bot, locale, contents)
        return self.page(
            request,
            "import_preview",
            _("Import answers"),
            bot=bot,
            locale=locale,
            plan=plan,
            new=plan.new[:_SHOWN],
            changed=plan.changed[:_SHOWN],
            answers=signed if len(signed) <= _LARGEST_PREVIEW else "",
            error=error,
        )

    def _confirm(self, request: HttpRequest, signed: str) -> HttpResponse:
        again = HttpResponseRedirect(reverse("admin:knowledge_import"))
        try:
            bot_id, locale, rows = signing.loads(signed, salt=_SALT, max_age=_SIGNED_FOR_SECONDS)
        except signing.BadSignature:
            messages.error(request, _("This preview is too old. Please upload the file again."))
            return again
        bot = bots_of(request.user).filter(pk=bot_id).first()
        if bot is None:
            messages.error(request, _("This bot is gone."))
            return again
        contents = Contents(tuple(Entry(tuple(row[0]), *row[1:]) for row in rows), ())
        has_seen = "anyway" in request.POST
        plan = importing.plan(bot, locale, contents, shelf=None if has_seen else shelf())
        if plan.conflicts and not has_seen:
            error = _("Tick that you have looked at the conflicts.")
            return self._preview(request, bot, locale, contents, error)
        try:
            if plan.problems:
                raise InvalidAnswer(plan.problems[0].text)
            new, changed = importing.carry_out(
                bot,
                locale,
                plan,
                author=request.user,  # type: ignore[arg-type]  # staff only
            )
        except InvalidAnswer as error:
            messages.error(request, str(error))
            return again
        messages.success(
            request,
            _("%(new)d answers written, %(changed)d changed.") % {"new": new, "changed": changed},
        )
        return HttpResponseRedirect(reverse("admin:chat_curatedanswer_changelist"))


def _target(request: HttpRequest, asked: QueryDict | None) -> TargetForm:
    form = TargetForm(asked)
    offer_own(form.fields, request.user, {Bot: bots_of})
    return form


def _signed(bot: Bot, locale: str, contents: Contents) -> str:
    rows = [[e.questions, e.answer, e.key, e.topic, e.line] for e in contents.entries]
    return signing.dumps([bot.pk, locale, rows], salt=_SALT, compress=True)
