"""Pages that show somebody the rows of their own bots, and of no others.

What is foreign does not exist: lists, searches, filters, choices and addresses know it as little as a
number that was never given out, and answer both with the same 404.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn

from django.contrib import admin
from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, Q, QuerySet
from django.forms import Field, ModelChoiceField
from django.http import Http404, HttpRequest
from unfold.admin import ModelAdmin

from chat.access import Staff, bots_of
from chat.models import Bot

Scopes = Mapping[type[Model], Callable[[Staff], QuerySet[Any]]]


def offer_own(fields: Mapping[str, Field], user: Staff, scopes: Scopes) -> None:
    """Let the fields of a form offer, and take, only what somebody may see."""
    for field in fields.values():
        if isinstance(field, ModelChoiceField) and field.queryset is not None:
            scope = scopes.get(field.queryset.model)
            if scope is not None:
                field.queryset = field.queryset.filter(pk__in=scope(user))


class OwnFilter(admin.RelatedFieldListFilter):
    """A filter that offers only what somebody may see."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[str, Any]]:
        own = model_admin.scopes[field.remote_field.model](request.user)
        return field.get_choices(  # type: ignore[no-any-return]
            include_blank=False, limit_choices_to={"pk__in": own}
        )


class OfBots(ModelAdmin):
    """First of a page's bases. ``to_bot`` leads from the model to its bot."""

    to_bot = "bot"
    scopes: ClassVar[Scopes] = {Bot: bots_of}

    def mine(self, user: Staff) -> Q:
        """What is somebody's, of this model."""
        return Q(**{f"{self.to_bot}__in": bots_of(user)})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found: QuerySet[Any] = super().get_queryset(request)
        return found.filter(self.mine(request.user))

    def own(self, request: HttpRequest, pk: object) -> Any:
        """One row of somebody's, for pages beside the list. Raises :class:`Http404`."""
        found = self.get_object(request, str(pk))
        if found is None:
            raise Http404
        return found

    def get_list_filter(self, request: HttpRequest) -> Any:
        return [self._own_filter(each) for each in super().get_list_filter(request)]

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        # A class of this request; its fields belong to all of them.
        form.base_fields = copy.deepcopy(form.base_fields)
        offer_own(form.base_fields, request.user, self.scopes)
        return form

    def _own_filter(self, wanted: Any) -> Any:
        if not isinstance(wanted, str):
            return wanted
        try:
            field = get_fields_from_path(self.model, wanted)[-1]
        except FieldDoesNotExist:
            return wanted
        return (wanted, OwnFilter) if field.related_model in self.scopes else wanted

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> NoReturn:
        """Django would send people to the start and tell them of a number that they made up."""
        raise Http404
