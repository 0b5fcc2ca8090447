"""People of the staff and their roles, in the console."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from chat.access import bots_of
from chat.console.own import offer_own
from chat.models import Bot
from csbot.accounts import grants, second_factor
from csbot.accounts.roles import APPS, by_slug
from csbot.accounts.user_form import UserForm, group_label
from moderation.console.recorded import RecordsDeletion
from moderation.services import audit
from training.access import datasets_of
from training.models import Dataset, DatasetGrant

admin.site.unregister([User, Group])


class PasswordForm(AdminPasswordChangeForm):
    """Another password for somebody, on record."""

    def save(self, commit: bool = True) -> Any:
        with transaction.atomic():
            user = super().save(commit)
            audit.record("user.password_changed", target=f"user:{user.pk}")
        return user


@admin.register(User)
class UserAdmin(RecordsDeletion, DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]
    """Administrators give roles to others, and touch nobody who is more than they are."""

    form = UserForm
    add_form = UserCreationForm
    change_password_form = PasswordForm
    list_display = (
        "username",
        "full_name",
        "roles",
        "works_on",
        "has_app",
        "is_active",
        "last_login",
    )
    list_filter = ("is_active", "groups")
    ordering = ("username",)
    readonly_fields = ("last_login", "date_joined", "has_app")
    actions = ("take_app_away",)
    fieldsets: ClassVar[Any] = [
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email", "is_active", "is_staff")}),
        (_("What they may do"), {"fields": ("groups",)}),
        (_("Where"), {"fields": ("all_bots", "bots", "datasets")}),
        (_("Signing in"), {"fields": ("has_app", "last_login", "date_joined")}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        found: QuerySet[User] = super().get_queryset(request)
        everywhere = Permission.objects.filter(
            Q(user=OuterRef("pk")) | Q(group__user=OuterRef("pk")), codename="work_on_all_bots"
        )
        return (
            found.select_related("authenticator")
            .prefetch_related("groups__role", "botgrant_set__content_object")
            .annotate(works_everywhere=Exists(everywhere))
        )

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        return [
            *self.fieldsets,
            *([(_("Everything"), {"fields": ("is_superuser",)})] if _is_super(request) else []),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Nobody gives themselves a role, nor locks themselves out."""
        own = obj is not None and obj.pk == request.user.pk and not _is_super(request)
        return (*self.readonly_fields, *(("is_active", "is_staff") if own else ()))

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        # A class of this request; its fields belong to all of them.
        form.base_fields = copy.deepcopy(form.base_fields)
        offer_own(form.base_fields, request.user, {Bot: bots_of, Dataset: datasets_of})
        return form

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_superuser and not _is_super(request):
            return False
        return bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """People are disabled. What they did keeps their name."""
        return _is_super(request)

    @admin.display(description=_("name"), ordering="first_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name() or "-"

    @admin.display(description=_("roles"))
    def roles(self, user: User) -> str:
        if user.is_superuser:
            return str(_("everything"))
        return ", ".join(str(group_label(each)) for each in user.groups.all()) or "-"

    @admin.display(description=_("works on"))
    def works_on(self, user: Any) -> str:
        if user.is_superuser or user.works_everywhere:
            return str(_("every bot"))
        return (
            ", ".join(sorted({each.content_object.name for each in user.botgrant_set.all()})) or "-"
        )

    # For those who may look and not change

    @admin.display(description=_("bots"))
    def bots(self, user: Any) -> str:
        return self.works_on(user)

    @admin.display(description=_("datasets"))
    def datasets(self, user: User) -> str:
        rows = DatasetGrant.objects.filter(user=user).select_related("content_object")
        return ", ".join(sorted({each.content_object.name for each in rows})) or "-"

    @admin.display(description=_("every bot"), boolean=True)
    def all_bots(self, user: Any) -> bool:
        return bool(user.is_superuser or user.works_everywhere)

    @admin.display(description=_("authenticator app"), boolean=True)
    def has_app(self, user: Any) -> bool:
        app = getattr(user, "authenticator", None)
        return app is not None and app.confirmed_at is not None

    @admin.action(description=_("Take the authenticator app away"), permissions=["change"])
    def take_app_away(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """For somebody who lost both phone and recovery codes."""
        for user in queryset:
            if self.has_change_permission(request, user):
                second_factor.remove(user)
        messages.success(request, _("They set up another one when they sign in next."))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.is_staff = True
        super().save_model(request, obj, form, change)
        facts = {"fields": sorted(set(form.changed_data) & _RECORDED), "active": obj.is_active}
        audit.record(
            "user.changed" if change else "user.added", target=f"user:{obj.pk}", facts=facts
        )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        if not isinstance(form, UserForm):
            return
        assert isinstance(request.user, User)
        try:
            grants.change(form.instance, form.access(request.user), by=request.user)
        except grants.OwnRoles:
            messages.error(request, _("Nobody gives themselves a role: ask another administrator."))


_RECORDED = {
    "username",
    "email",
    "first_name",
    "last_name",
    "is_active",
    "is_staff",
    "is_superuser",
}


@admin.register(Group)
class GroupAdmin(RecordsDeletion, DjangoGroupAdmin, ModelAdmin):
    """Roles: those that csbot comes with, and your own."""

    list_display = ("label", "says", "people")
    readonly_fields = ("says",)
    fields = ("name", "says", "permissions")
    # Boxes to tick: the two lists of the framework cannot be used without seeing them.
    filter_horizontal = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        found: QuerySet[Group] = super().get_queryset(request)
        return found.select_related("role").annotate(members=Count("user"))

    @admin.display(description=_("role"), ordering="name")
    def label(self, group: Group) -> str:
        return str(group_label(group))

    @admin.display(description=_("what it is for"))
    def says(self, group: Group) -> str:
        role = by_slug(group.role.role) if hasattr(group, "role") else None
        return str(role.says) if role is not None else "-"

    @admin.display(description=_("people"), ordering="members")
    def people(self, group: Any) -> int:
        return int(group.members)

    def get_readonly_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        """Nobody gives themselves what a role of theirs does not have."""
        is_own = _is_own(request, obj)
        return (*self.readonly_fields, *(("permissions",) if is_own else ()))

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if _is_own(request, obj):
            why = _("This is a role of your own: another administrator changes what it may do.")
            kwargs["help_texts"] = {"permissions": why}
        form = super().get_form(request, obj, change=change, **kwargs)
        field = form.base_fields.get("permissions")
        if isinstance(field, ModelMultipleChoiceField) and field.queryset is not None:
            # The rest is the framework's own and opens nothing here.
            field.queryset = field.queryset.filter(content_type__app_label__in=APPS)
            field.widget = UnfoldAdminCheckboxSelectMultipleWidget(choices=field.choices)
            field.help_text = ""
            field.label_from_instance = _permission_name  # type: ignore[assignment]
        return form

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        had = set(form.instance.permissions.values_list("codename", flat=True))
        super().save_related(request, form, formsets, change)
        has = set(form.instance.permissions.values_list("codename", flat=True))
        audit.record(
            "role.defined",
            target=f"group:{form.instance.pk}",
            facts={"given": sorted(has - had), "taken": sorted(had - has)},
        )


def _permission_name(permission: Permission) -> str:
    return gettext(permission.name)


def _is_own(request: HttpRequest, group: Group | None) -> bool:
    """Whether this is a role of whoever asks. Superusers may do everything without one."""
    if group is None or _is_super(request):
        return False
    return bool(request.user.groups.filter(pk=group.pk).exists())


def _is_super(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)
