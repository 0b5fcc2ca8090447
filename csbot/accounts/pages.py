"""The pages where people of the staff prove who they are."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from csbot.accounts import confirming, door, second_factor
from csbot.accounts.forms import CodeForm, ConfirmForm, EnrolForm
from csbot.accounts.roles import wants_second_factor


def second_factor_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponseBase:
    """Set the app up, type its code, or, once inside, look after it."""
    user = _user(request)
    if not second_factor.is_enrolled(user):
        return _enrol(request, user, context)
    if door.is_open(user, request.session):
        return _look_after(request, user, context)
    form = CodeForm(*_sent(request), user=user)
    if request.method == "POST" and form.is_valid():
        door.open_(request)
        return HttpResponseRedirect(confirming.safe_next(request, request.GET))
    return _page(request, "code", _("Second factor"), context, form=form)


def confirm_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponseBase:
    user = _user(request)
    form = ConfirmForm(*_sent(request), request=request, user=user)
    if request.method == "POST" and form.is_valid():
        door.confirm(request)
        return confirming.go_on(request, confirming.safe_next(request, request.GET), context)
    return _page(
        request,
        "confirm",
        _("Please confirm who you are"),
        context,
        form=form,
        sent=request.GET.get("sent"),
        back=confirming.safe_next(request, request.GET),
    )


def _enrol(request: HttpRequest, user: User, context: dict[str, Any]) -> HttpResponseBase:
    authenticator = second_factor.prepared(user)
    form = EnrolForm(*_sent(request), user=user)
    if request.method == "POST" and form.is_valid():
        door.open_(request)
        return _codes(request, form.recovery_codes, context)
    return _page(
        request,
        "enrol",
        _("Set up your authenticator app"),
        context,
        form=form,
        qr_code=second_factor.qr_code(authenticator),
        text_key=second_factor.text_key(authenticator),
        is_demanded=second_factor.is_demanded(user),
    )


def _look_after(request: HttpRequest, user: User, context: dict[str, Any]) -> HttpResponseBase:
    """Changes want a confirmation: who finds an open session must not lock its owner out."""
    if request.method == "POST":
        if not door.is_confirmed(request):
            return confirming.asked(request)
        if "renew" in request.POST:
            return _codes(request, second_factor.renew_recovery_codes(user), context)
        if "remove" in request.POST:
            second_factor.remove(user)
            messages.success(request, _("The app is removed. Set up the new one now."))
        return HttpResponseRedirect(request.path)
    return _page(
        request,
        "authenticator",
        _("Your authenticator app"),
        context,
        authenticator=second_factor.prepared(user),
        left=second_factor.recovery_codes_left(user),
        is_wanted=wants_second_factor(user),
    )


def _codes(request: HttpRequest, codes: list[str], context: dict[str, Any]) -> HttpResponseBase:
    return _page(
        request,
        "recovery_codes",
        _("Your recovery codes"),
        context,
        codes=codes,
        onward=confirming.safe_next(request, request.GET),
    )


def _page(
    request: HttpRequest, template: str, title: str, context: dict[str, Any], **more: Any
) -> TemplateResponse:
    page = TemplateResponse(
        request, f"accounts/{template}.html", {**context, "title": title, **more}
    )
    page["Cache-Control"] = "no-store"
    return page


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _sent(request: HttpRequest) -> tuple[Any, ...]:
    """What was sent to a form: nothing was, until it was posted."""
    return (request.POST,) if request.method == "POST" else (None,)
