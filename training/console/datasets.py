"""Datasets: filled from files, looked at, frozen."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core import signing
from django.db.models import Count, Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chat.console.pages import Pages, sent
from moderation.console.recorded import Recorded
from training import formats
from training.console import shares
from training.console.forms import DatasetForm, FreezeForm, ImportForm
from training.console.own import OfDatasets
from training.formats import Contents, Entry, FileRefused, Format, Turn, written
from training.models import Dataset, Example
from training.quality.report import Report
from training.services import freezing, importing
from training.services.freezing import NotFrozen
from training.services.importing import Defaults, Plan

_SIGNED_FOR_SECONDS = 3600
_SALT = "training.dataset.import"
# Django refuses forms above 2.5 MB.
_LARGEST_PREVIEW = 2_000_000
_SHOWN = 50
_TYPES = {
    "jsonl": "application/jsonl",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
FORMATS = [
    (Format.MESSAGES, _("JSONL, messages")),
    (Format.CONTEXT, _("JSON, context and response")),
    (Format.SHAREGPT, "ShareGPT"),
    (Format.ALPACA, "Alpaca"),
    (Format.CSV, "CSV"),
    (Format.XLSX, "XLSX"),
]


class TransferPages(OfDatasets, Pages):
    """Examples from files and into files."""

    section = "training"
    to_dataset = "pk"

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("<int:pk>/import/", self.import_view, "import"),
            self.route("<int:pk>/export/", self.export_view, "export"),
            *super().get_urls(),
        ]

    def import_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Upload, look, confirm. What is confirmed is what was shown: it comes back signed."""
        self.require(request, "training.view_dataset", "training.add_example")
        dataset = self.own(request, pk)
        if signed := request.POST.get("rows"):
            return self._confirm(request, dataset, signed)
        form = ImportForm(sent(request)[0], request.FILES or None)
        if request.method == "POST" and form.is_valid():
            upload = form.cleaned_data["file"]
            try:
                contents = formats.read(upload.read(formats.LARGEST_FILE + 1), upload.name)
                return self._preview(request, dataset, contents, form.cleaned_data)
            except FileRefused as error:
                form.add_error("file", str(importing.FAULTS[error.fault]))
        return self.page(request, "import", _("Import examples"), form=form, dataset=dataset)

    def export_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        self.require(request, "training.export_dataset", "training.view_example")
        dataset = self.own(request, pk)
        try:
            form = Format(request.GET.get("format", Format.MESSAGES))
        except ValueError:
            return HttpResponseRedirect(_page_of(dataset))
        answer = StreamingHttpResponse(
            written(importing.exported(dataset), form), content_type=_TYPES[form.suffix]
        )
        name = (
            f"{dataset.slug}.{form}.{form.suffix}"
            if form.suffix == "json"
            else (f"{dataset.slug}.{form.suffix}")
        )
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer

    def _preview(
        self, request: HttpRequest, dataset: Dataset, contents: Contents, given: dict[str, Any]
    ) -> HttpResponse:
        defaults = Defaults(given["locale"], given["source"], given["licence"])
        plan = importing.plan(dataset.bot, contents, dataset=dataset, defaults=defaults)
        signed = _signed(dataset, given["status"], plan) if not plan.problems else ""
        return self.page(
            request,
            "import_preview",
            _("Import examples"),
            dataset=dataset,
            plan=plan,
            replaced=shares.bars(dict(plan.replaced)),
            masked=plan.masked[:_SHOWN],
            new=plan.new[:_SHOWN],
            form_name=dict(FORMATS)[contents.format],
            rows=signed if len(signed) <= _LARGEST_PREVIEW else "",
        )

    def _confirm(self, request: HttpRequest, dataset: Dataset, signed: str) -> HttpResponse:
        try:
            pk, status, rows = signing.loads(signed, salt=_SALT, max_age=_SIGNED_FOR_SECONDS)
            if pk != dataset.pk:
                raise signing.BadSignature
        except signing.BadSignature:
            messages.error(request, _("This preview is too old. Please upload the file again."))
            return HttpResponseRedirect(reverse("admin:training_import", args=[dataset.pk]))
        entries = tuple(Entry(tuple(Turn(*turn) for turn in row[0]), *row[1:]) for row in rows)
        plan = importing.plan(dataset.bot, Contents(entries, ()), dataset=dataset)
        if plan.problems:
            messages.error(request, plan.problems[0].text)
            return HttpResponseRedirect(reverse("admin:training_import", args=[dataset.pk]))
        count = importing.carry_out(
            dataset,
            plan,
            author=request.user,  # type: ignore[arg-type]  # staff only
            status=Example.Status(status),
        )
        text = ngettext("%d example written.", "%d examples written.", count)
        messages.success(request, text % count)
        return HttpResponseRedirect(_page_of(dataset))


@admin.register(Dataset)
class DatasetAdmin(Recorded, TransferPages):
    form = DatasetForm
    list_display = ("name", "bot", "approved", "waiting", "newest", "created_at")
    list_filter = ("bot",)
    list_select_related = ("bot",)
    search_fields = ("name", "slug", "description")
    list_before_template = "training/datasets_head.html"
    change_form_outer_before_template = "training/dataset.html"
    prepopulated_fields = {"slug": ("name",)}  # noqa: RUF012 - as Django has it

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("<int:pk>/freeze/", self.freeze_view, "freeze"),
            self.route("<int:pk>/report/", self.report_view, "report"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dataset]:
        status = Example.Status
        return (  # type: ignore[no-any-return]
            super()
            .get_queryset(request)
            .annotate(
                approved_count=Count(
                    "examples", Q(examples__status=status.APPROVED), distinct=True
                ),
                waiting_count=Count("examples", Q(examples__status=status.DRAFT), distinct=True),
                version_count=Count("versions", distinct=True),
            )
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Dataset | None = None) -> Any:
        """Examples are named after the short name, and masked by what the bot may say."""
        return ("slug", "bot") if obj else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Dataset | None = None) -> Any:
        return {} if obj else self.prepopulated_fields

    @admin.display(description=_("approved"), ordering="approved_count")
    def approved(self, dataset: Any) -> int:
        return int(dataset.approved_count)

    @admin.display(description=_("to be reviewed"), ordering="waiting_count")
    def waiting(self, dataset: Any) -> int:
        return int(dataset.waiting_count)

    @admin.display(description=_("versions"), ordering="version_count")
    def newest(self, dataset: Any) -> int:
        return int(dataset.version_count)

    def save_model(
        self, request: HttpRequest, obj: Dataset, form: ModelForm[Dataset], change: bool
    ) -> None:
        if not change:
            obj.created_by = request.user  # type: ignore[assignment]  # staff only
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: Dataset | None = None) -> bool:
        """Models were made of its versions: they stay, and so does it."""
        if obj is not None and obj.versions.exists():
            return False
        return bool(super().has_delete_permission(request, obj))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {**(extra_context or {})}
        dataset = self.get_object(request, object_id)
        if dataset is not None:
            context |= {
                "dataset": dataset,
                "counted": shares.counted(dataset),
                "versions": list(dataset.versions.select_related("created_by")[:20]),
                "freeze_form": FreezeForm(),
                "formats": FORMATS,
            }
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def freeze_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The approved examples as the next version."""
        self.require(request, "training.view_dataset", "training.add_datasetversion")
        dataset = self.own(request, pk)
        form = FreezeForm(sent(request)[0])
        if request.method != "POST" or not form.is_valid():
            return HttpResponseRedirect(_page_of(dataset))
        newest = dataset.versions.first()
        try:
            version = freezing.freeze(
                dataset,
                author=request.user,  # type: ignore[arg-type]  # staff only
                note=form.cleaned_data["note"],
            )
        except NotFrozen as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(_page_of(dataset))
        if newest is not None and version.pk <= newest.pk:
            messages.info(request, _("Nothing changed since: this is version %d.") % version.number)
        else:
            messages.success(request, _("Version %d is frozen.") % version.number)
        return HttpResponseRedirect(
            reverse("admin:training_datasetversion_change", args=[version.pk])
        )

    def report_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How good the approved examples are now."""
        self.require(request, "training.view_dataset", "training.view_example")
        dataset = self.own(request, pk)
        report: Report = freezing.report(dataset)
        return self.page(
            request,
            "report",
            _("Quality of %s") % dataset.name,
            dataset=dataset,
            report=report,
            glance=shares.glance(report),
        )


def _page_of(dataset: Dataset) -> str:
    return reverse("admin:training_dataset_change", args=[dataset.pk])


def _signed(dataset: Dataset, status: str, plan: Plan) -> str:
    """Masked as it is: what was typed stays in the file."""
    rows = [
        [
            e.turns, e.group, e.scenario, e.locale, e.source, e.licence, e.hands_over, e.split,
            e.line,
        ]
        for e in (draft.entry for draft in plan.new)
    ]  # fmt: skip
    return signing.dumps([dataset.pk, status, rows], salt=_SALT, compress=True)
