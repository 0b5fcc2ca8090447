"""A person of the staff, in words of whoever gives roles."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group, User
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.forms import UserChangeForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldBooleanSwitchWidget

from chat.access import bots_of
from chat.models import Bot
from csbot.accounts.grants import Access
from csbot.accounts.roles import by_slug
from training.access import datasets_of
from training.models import Dataset


def group_label(group: Group) -> str | Promise:
    """A role by its name in the reader's language; what was renamed by the name that it was given."""
    role = by_slug(group.role.role) if hasattr(group, "role") else None
    return role.label if role is not None and role.name == group.name else group.name


class RoleField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> SafeString:
        role = by_slug(obj.role.role) if hasattr(obj, "role") else None
        says = role.says if role is not None else ""
        return format_html(
            '<span class="whitespace-normal">{} <small>{}</small></span>', group_label(obj), says
        )


class UserForm(UserChangeForm):
    """What somebody may do (roles), and where it counts (bots and datasets)."""

    groups = RoleField(
        Group.objects.select_related("role").order_by("pk"),
        label=capfirst(_("roles")),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("What somebody may do. Several roles add up."),
    )
    all_bots = forms.BooleanField(
        label=capfirst(_("every bot")),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("Later ones, too. Auditors and admins work on every bot anyway."),
    )
    bots = forms.ModelMultipleChoiceField(
        Bot.objects.order_by("name"),
        label=capfirst(_("bots")),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Where it counts: with their conversations, answers, datasets and models."),
    )
    datasets = forms.ModelMultipleChoiceField(
        Dataset.objects.order_by("name"),
        label=capfirst(_("datasets")),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Single datasets of other bots."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "password" in self.fields:
            self.fields["password"].help_text = format_html(
                '{} <a class="text-primary-600 underline dark:text-primary-500" href="../password/">{}</a>',
                _("Nobody can read a password here, but you can give another one."),
                _("Give another password"),
            )
        had = Access.of(self.instance)
        self.initial.update(bots=list(had.bots), datasets=list(had.datasets), all_bots=had.all_bots)

    def access(self, by: User) -> Access:
        """What was chosen. Grants that ``by`` cannot see stay as they are."""
        had, chosen = Access.of(self.instance), self.cleaned_data
        if "groups" not in self.fields:
            return had
        hidden_bots = had.bots - set(bots_of(by).values_list("pk", flat=True))
        hidden_datasets = had.datasets - set(datasets_of(by).values_list("pk", flat=True))
        return Access(
            groups=frozenset(each.pk for each in chosen["groups"]),
            bots=frozenset(each.pk for each in chosen["bots"]) | hidden_bots,
            datasets=frozenset(each.pk for each in chosen["datasets"]) | hidden_datasets,
            all_bots=chosen["all_bots"],
        )
