"""What people type to prove who they are."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.forms import AuthenticationForm
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from chat.addresses import client_address
from csbot.accounts import lockout, second_factor
from csbot.accounts.lockout import LockedOut
from csbot.accounts.second_factor import WrongCode


def locked_out(error: LockedOut) -> ValidationError:
    minutes = -(-error.seconds // 60)
    return ValidationError(
        ngettext(
            "Too many attempts. Try again in %d minute.",
            "Too many attempts. Try again in %d minutes.",
            minutes,
        )
        % minutes,
        code="locked_out",
    )


def address_of(request: HttpRequest) -> str:
    return client_address(
        request.META.get("REMOTE_ADDR", ""),
        request.headers.get("X-Forwarded-For", ""),
        trusted_proxies=settings.TRUSTED_PROXIES,
    )


class SignInForm(AuthenticationForm):
    """Name and password, so often and not more often."""

    def clean(self) -> dict[str, Any]:
        name = self.cleaned_data.get("username")
        if not name or not self.cleaned_data.get("password"):
            return self.cleaned_data  # type: ignore[no-any-return]
        try:
            with lockout.attempt(address=address_of(self.request), account=name) as attempt:
                cleaned: dict[str, Any] = super().clean()
                lockout.was_right(attempt)
        except LockedOut as error:
            raise locked_out(error) from None
        return cleaned


class CodeForm(forms.Form):
    """A code of the app, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}
        ),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_code(self) -> str:
        self._check(self.cleaned_data["code"])
        return str(self.cleaned_data["code"])

    def _check(self, code: str) -> None:
        try:
            second_factor.verify(self.user, code)
        except LockedOut as error:
            raise locked_out(error) from None
        except WrongCode:
            raise ValidationError(
                _("This code is wrong or was used before. Wait for the next one.")
            ) from None


class EnrolForm(CodeForm):
    """The first code of an app, which shows that it was set up rightly."""

    recovery_codes: list[str]

    def _check(self, code: str) -> None:
        try:
            self.recovery_codes = second_factor.enrol(self.user, code)
        except WrongCode:
            raise ValidationError(
                _("This code does not fit the key. Is the clock of your phone right?")
            ) from None


class ConfirmForm(forms.Form):
    """Password, and a code where an app is set up."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=UnfoldAdminPasswordWidget(
            attrs={"autocomplete": "current-password", "autofocus": True}
        ),
    )
    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code"}),
    )

    def __init__(self, *args: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.user = request, user
        if not second_factor.is_enrolled(user):
            del self.fields["code"]

    def clean(self) -> dict[str, Any]:
        password = self.cleaned_data.get("password")
        code = self.cleaned_data.get("code")
        if not password or ("code" in self.fields and not code):
            return self.cleaned_data
        name = self.user.get_username()
        try:
            with lockout.attempt(address=address_of(self.request), account=name) as attempt:
                if authenticate(self.request, username=name, password=password) != self.user:
                    raise ValidationError(_("This password is wrong."))
                lockout.was_right(attempt)
            if code:
                second_factor.verify(self.user, code)
        except LockedOut as error:
            raise locked_out(error) from None
        except WrongCode:
            raise ValidationError(
                _("This code is wrong or was used before. Wait for the next one.")
            ) from None
        return self.cleaned_data
