"""What asks again who somebody is: a table of pages, and what happens to what they sent.

Exports, originals, roles and promotions are worth more than a session that somebody left open.
Within ten minutes of a sign-in or of the last confirmation nothing is asked.
"""

from enum import Enum
from urllib.parse import urlencode

from django.core import signing
from django.http import HttpRequest, HttpResponseRedirect, JsonResponse, QueryDict
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from csbot.accounts import door


class Wanted(Enum):
    """``ALWAYS``: looking is the deed. ``CHANGES``: only what is sent is."""

    ALWAYS = "always"
    CHANGES = "changes"


PAGES: dict[str, Wanted] = {
    # What leaves the house
    "knowledge_export": Wanted.ALWAYS,
    "training_export": Wanted.ALWAYS,
    "analytics_export": Wanted.ALWAYS,
    "moderation_export_audit": Wanted.ALWAYS,
    "privacy_certificate": Wanted.ALWAYS,
    # What answers customers
    "training_promote": Wanted.CHANGES,
    "training_start_experiment": Wanted.CHANGES,
    "training_start_shadow": Wanted.CHANGES,
    "training_agree_override": Wanted.CHANGES,
    "training_roll_back": Wanted.CHANGES,
    # What was masked
    "moderation_reveal": Wanted.CHANGES,
    "inbox_reveal": Wanted.CHANGES,
    # What is gone for good
    "erase_visitor": Wanted.CHANGES,
    # Who may do what, and who they are
    "auth_user_add": Wanted.CHANGES,
    "auth_user_change": Wanted.CHANGES,
    "auth_user_delete": Wanted.CHANGES,
    "auth_user_changelist": Wanted.CHANGES,
    "auth_user_password_change": Wanted.CHANGES,
    "auth_group_add": Wanted.CHANGES,
    "auth_group_change": Wanted.CHANGES,
    "auth_group_delete": Wanted.CHANGES,
    "auth_group_changelist": Wanted.CHANGES,
    "chat_apikey_add": Wanted.CHANGES,
}
"""Names of addresses below ``admin:``. A new page of these kinds is entered here."""

_SALT = "csbot.confirmed"
# Signed, and sent back in a form: Django refuses forms above 2.5 MB.
_MOST_CARRIED = 1_500_000


def is_wanted(request: HttpRequest) -> bool:
    """Whether this request asks for a confirmation that its session does not have."""
    name = request.resolver_match.url_name if request.resolver_match else None
    wanted = PAGES.get(name or "")
    if wanted is None or (wanted is Wanted.CHANGES and request.method in ("GET", "HEAD")):
        return False
    return not door.is_confirmed(request)


def asked(request: HttpRequest) -> HttpResponseBase:
    """The way to the confirmation. What a form sent comes along and is not lost."""
    where = reverse("admin:confirm")
    if request.accepts("application/json") and not request.accepts("text/html"):
        error = {"code": "confirmation_required", "message": _("Please confirm who you are.")}
        return JsonResponse({"error": error, "confirm": where}, status=403)
    if request.method != "POST":
        return HttpResponseRedirect(f"{where}?{urlencode({'next': request.get_full_path()})}")
    return HttpResponseRedirect(
        f"{where}?{urlencode({'next': request.get_full_path(), 'sent': _kept(request)})}"
    )


def _kept(request: HttpRequest) -> str:
    """What was sent, kept in the session until it is confirmed. Nothing secret, no files."""
    names = [name for name in request.POST if name != "csrfmiddlewaretoken"]
    if request.FILES or any("password" in name for name in names):
        return "lost"
    rows = [(name, value) for name in names for value in request.POST.getlist(name)]
    signed = signing.dumps([request.get_full_path(), rows], salt=_SALT, compress=True)
    if len(signed) > _MOST_CARRIED:
        return "lost"
    request.session[_SALT] = signed
    return "kept"


def safe_next(request: HttpRequest, given: QueryDict) -> str:
    """Where somebody was going, within csbot; else the start of the console."""
    wanted = given.get("next", "")
    if url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return wanted
    return reverse("admin:index")


def go_on(request: HttpRequest, target: str, context: dict[str, object]) -> HttpResponseBase:
    """Back to the page, or, with what was sent to it, a button that sends it again."""
    signed = request.session.pop(_SALT, None)
    if signed is not None:
        path, rows = signing.loads(signed, salt=_SALT, max_age=door.CONFIRMED_SECONDS * 6)
        if path == target:
            return TemplateResponse(
                request, "accounts/go_on.html", {**context, "target": target, "rows": rows}
            )
    return HttpResponseRedirect(target)
