"""Words, policies, cases and originals in the staff console."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Form, ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from moderation.console import audit, wording  # noqa: F401 - the page of the audit trail
from moderation.console.pages import Pages, ReadOnlyPages
from moderation.console.recorded import Recorded
from moderation.current import current_policy
from moderation.encryption import Undecipherable
from moderation.findings import Direction
from moderation.forms import ImportForm, NoteForm, ResolveForm, RevealForm, RulesForm, TryForm
from moderation.models import (
    ModerationCase,
    Original,
    PolicyVersion,
    Reveal,
    Word,
    WordListVersion,
)
from moderation.pipeline import moderate
from moderation.services import cases, originals, policies, word_lists
from moderation.services.originals import NotAllowed
from moderation.words import lexicon
from moderation.words.importing import LARGEST_FILE, ImportRefused, read

_SIGNED_FOR_SECONDS = 3600


class InScope(ReadOnlyPages):
    """What was found in conversations, for those who may see these conversations.

    Whose they are is known to the package above: ``MODERATION_SCOPE_FILTER`` names a function that
    turns a user into a condition on ``scope``. What is foreign is not there.
    """

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found: QuerySet[Any] = super().get_queryset(request)
        return found.filter(import_string(settings.MODERATION_SCOPE_FILTER)(request.user))

    def own(self, request: HttpRequest, pk: object) -> Any:
        found = self.get_object(request, str(pk))
        if found is None:
            raise Http404
        return found

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> NoReturn:
        raise Http404


@admin.register(Word)
class WordAdmin(Recorded, Pages):
    list_display = ("term", "kind", "category_name", "note", "created_by", "created_at")
    list_filter = ("kind", "category")
    search_fields = ("term", "note")
    list_select_related = ("created_by",)
    list_before_template = "moderation/words_head.html"

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("import/", self.import_view, "import"),
            self.route("publish/", self.publish_view, "publish"),
            self.route("try/", self.try_view, "try"),
            *super().get_urls(),
        ]

    @admin.display(description=_("category"), ordering="category", empty_value="–")
    def category_name(self, word: Word) -> str | None:
        return wording.category(word.category) if word.category else None

    def save_model(
        self, request: HttpRequest, obj: Word, form: ModelForm[Word], change: bool
    ) -> None:
        if not change:
            obj.created_by = request.user  # type: ignore[assignment]  # staff only
        super().save_model(request, obj, form, change)

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Upload, look, confirm. What is confirmed is what was shown: it comes back signed."""
        self.require(request, "moderation.add_word")
        if signed := request.POST.get("words"):
            return self._add_words(request, signed)
        form = ImportForm(_sent(request)[0], request.FILES or None)
        context: dict[str, Any] = {"form": form}
        if request.method == "POST" and form.is_valid():
            upload = form.cleaned_data["file"]
            try:
                data = upload.read(LARGEST_FILE + 1)
                imported = read(data, upload.name, category=form.cleaned_data["category"])
            except ImportRefused as error:
                form.add_error("file", str(error))
            else:
                preview = word_lists.preview(imported.words)
                rows = [[word.term, word.category, word.allowed] for word in preview.new]
                most = max((count for _term, count in preview.hits), default=1)
                context |= {
                    "preview": preview,
                    "problems": imported.problems,
                    "hits": [
                        (term, count, 100 * count // most) for term, count in preview.hits[:50]
                    ],
                    "words": signing.dumps(rows, salt="moderation.import", compress=True),
                }
        return self.page(request, "import", _("Import words"), **context)

    def _add_words(self, request: HttpRequest, signed: str) -> HttpResponse:
        try:
            rows = signing.loads(signed, salt="moderation.import", max_age=_SIGNED_FOR_SECONDS)
        except signing.BadSignature:
            messages.error(request, _("This preview is too old. Please upload the file again."))
            return HttpResponseRedirect(reverse("admin:moderation_import"))
        words = [lexicon.Word(term, category, allowed) for term, category, allowed in rows]
        added = word_lists.add(words, by=request.user)  # type: ignore[arg-type]  # staff only
        messages.success(request, _("%d words added to the draft.") % added)
        return HttpResponseRedirect(reverse("admin:moderation_word_changelist"))

    def publish_view(self, request: HttpRequest) -> HttpResponse:
        """What differs from the list in force, and the button that changes that."""
        self.require(request, "moderation.publish_words")
        form = NoteForm(*_sent(request))
        if request.method == "POST" and form.is_valid():
            try:
                version = policies.publish_words(
                    by=request.user,  # type: ignore[arg-type]  # staff only
                    note=form.cleaned_data["note"],
                )
            except policies.NothingToPublish:
                messages.warning(request, _("Nothing differs from the words in force."))
            else:
                messages.success(request, _("Policy %s is in force.") % version)
            return HttpResponseRedirect(reverse("admin:moderation_word_changelist"))
        added, removed = policies.draft_changes()
        return self.page(
            request,
            "publish",
            _("Publish words"),
            form=form,
            added=added[:200],
            removed=removed[:200],
            added_count=len(added),
            removed_count=len(removed),
        )

    def try_view(self, request: HttpRequest) -> HttpResponse:
        """A text, and why what happens to it. Stores nothing."""
        self.require(request, "moderation.view_word")
        form = TryForm(*_sent(request))
        context: dict[str, Any] = {"form": form}
        if request.method == "POST" and form.is_valid():
            text = form.cleaned_data["text"]
            policy = current_policy()
            verdict = moderate(text, policy, Direction(form.cleaned_data["direction"]))
            context |= {
                "verdict": verdict,
                "policy": policy.version,
                "explained": [(text[each.start : each.end], each) for each in verdict.findings],
                "pieces": _pieces(text, [(each.start, each.end) for each in verdict.findings]),
            }
        return self.page(request, "try", _("Try moderation"), **context)


@admin.register(WordListVersion)
class WordListVersionAdmin(ReadOnlyPages):
    list_display = ("number", "size", "note", "published_by", "published_at")
    fields = ("number", "size", "note", "published_by", "published_at", "sha256")
    list_select_related = ("published_by",)


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyPages):
    list_display = ("number", "is_active", "word_list", "note", "published_by", "published_at")
    fields = ("number", "is_active", "word_list", "note", "published_by", "published_at", "rules")
    list_select_related = ("word_list", "published_by")
    list_before_template = "moderation/policies_head.html"
    change_form_after_template = "moderation/policy_foot.html"

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("rules/", self.rules_view, "rules"),
            self.route("<int:pk>/activate/", self.activate_view, "activate"),
            *super().get_urls(),
        ]

    def rules_view(self, request: HttpRequest) -> HttpResponse:
        self.require(request, "moderation.publish_policy")
        form = RulesForm(policies.active_rules(), *_sent(request))
        if request.method == "POST" and form.is_valid():
            try:
                version = policies.publish_rules(
                    form.rules(),
                    by=request.user,  # type: ignore[arg-type]  # staff only
                    note=form.cleaned_data["note"],
                )
            except policies.NothingToPublish:
                messages.warning(request, _("Nothing was changed."))
            else:
                messages.success(request, _("Policy %s is in force.") % version)
            return HttpResponseRedirect(reverse("admin:moderation_policyversion_changelist"))
        return self.page(request, "rules", _("Policy rules"), form=form)

    def activate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request, "moderation.publish_policy")
        version = get_object_or_404(PolicyVersion, pk=pk)
        if request.method != "POST":
            return self.page(request, "activate", _("Put in force again"), version=version)
        policies.activate(version, by=request.user)  # type: ignore[arg-type]  # staff only
        messages.success(request, _("Policy %s is in force.") % version)
        return HttpResponseRedirect(reverse("admin:moderation_policyversion_changelist"))


@admin.register(ModerationCase)
class ModerationCaseAdmin(InScope):
    list_display = ("found", "direction", "action", "resolution", "scope", "created_at")
    list_filter = ("resolution", "direction", "action")
    search_fields = ("scope", "reference", "categories")
    fields = (
        "direction", "action", "found", "scope", "reference", "policy", "created_at",
        "resolution", "note", "resolved_by", "resolved_at",
    )  # fmt: skip
    readonly_fields = ("found",)
    # Outside of the page's own form: browsers drop a form within a form.
    change_form_outer_before_template = "moderation/case.html"

    @admin.display(description=_("categories"), ordering="categories")
    def found(self, case: ModerationCase) -> str:
        # Never nothing: it is the link to the case.
        return ", ".join(map(wording.category, filter(None, case.categories.split(", ")))) or "–"

    def get_urls(self) -> list[URLPattern]:
        return [self.route("<int:pk>/resolve/", self.resolve_view, "resolve"), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        case = self.get_object(request, object_id)
        spans = [(each["start"], each["end"]) for each in case.findings] if case else []
        context = {
            **(extra_context or {}),
            "case": case,
            "pieces": _pieces(case.excerpt, spans) if case else [],
            "resolve_form": ResolveForm(),
        }
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def resolve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request, "moderation.resolve_case")
        case = self.own(request, pk)
        back = HttpResponseRedirect(reverse("admin:moderation_moderationcase_change", args=[pk]))
        form = ResolveForm(*_sent(request))
        if not form.is_valid():
            messages.error(request, _("Choose how the case ends."))
            return back
        try:
            cases.resolve(case, by=request.user, **form.cleaned_data)  # type: ignore[arg-type]
        except cases.TermMissing as error:
            messages.error(request, str(error))
        except cases.AlreadyResolved:
            messages.warning(request, _("Somebody else resolved this case."))
        except NotAllowed:
            raise PermissionDenied from None
        else:
            messages.success(request, _("The case is resolved."))
        return back


@admin.register(Original)
class OriginalAdmin(InScope):
    list_display = ("__str__", "kind_name", "scope", "created_at")
    list_filter = ("kind",)
    search_fields = ("scope",)
    fields = ("kind_name", "number", "scope", "created_at")
    readonly_fields = ("kind_name",)
    change_form_after_template = "moderation/original_foot.html"

    @admin.display(description=_("kind"), ordering="kind")
    def kind_name(self, original: Original) -> str:
        return wording.category(original.kind)

    def get_urls(self) -> list[URLPattern]:
        return [self.route("<int:pk>/reveal/", self.reveal_view, "reveal"), *super().get_urls()]

    def reveal_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The value, once, for a reason that is kept."""
        self.require(request, "moderation.reveal_original")
        original = self.own(request, pk)
        form: Form = RevealForm(*_sent(request))
        context: dict[str, Any] = {"original": original, "form": form}
        if request.method == "POST" and form.is_valid():
            try:
                context["value"] = originals.reveal(
                    original,
                    by=request.user,  # type: ignore[arg-type]  # staff only
                    reason=form.cleaned_data["reason"],
                )
            except originals.ReasonMissing as error:
                form.add_error("reason", str(error))
            except Undecipherable:
                form.add_error("reason", _("Its key is not here any more: nobody can read it."))
        response = self.page(request, "reveal", _("Reveal"), **context)
        response["Cache-Control"] = "no-store"
        return response


@admin.register(Reveal)
class RevealAdmin(InScope):
    list_display = ("label", "scope", "reason", "revealed_by", "revealed_at")
    search_fields = ("scope", "reason")
    list_select_related = ("revealed_by",)
    fields = ("label", "scope", "reason", "revealed_by", "revealed_at")


def _sent(request: HttpRequest) -> tuple[Any, ...]:
    """What was sent to a form: nothing was, until it was posted."""
    return (request.POST,) if request.method == "POST" else (None,)


def _pieces(text: str, spans: list[tuple[int, int]]) -> list[tuple[str, bool]]:
    """``text`` in pieces, and whether each is a finding."""
    pieces: list[tuple[str, bool]] = []
    done = 0
    for begin, end in spans:
        start = max(begin, done)
        if start < end:
            pieces += [(text[done:start], False), (text[start:end], True)]
            done = end
    return [piece for piece in [*pieces, (text[done:], False)] if piece[0]]
