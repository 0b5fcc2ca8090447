"""What stands at the left of every page of the console: daily work first, then every list."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from chat.inbox import rows


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Groups of links, as far as the user may follow them."""
    apps = admin.site.get_app_list(request)
    return [{"items": _work(request)}, *map(_group, apps)]


def _work(request: HttpRequest) -> list[dict[str, Any]]:
    items = [{"title": _("Overview"), "icon": "home", "link": reverse("admin:index")}]
    if request.user.has_perm("chat.answer_conversation"):
        inbox: dict[str, Any] = {
            "title": _("Inbox"),
            "icon": "inbox",
            "link": reverse("admin:inbox_page"),
        }
        if waiting := rows.counts(request.user)["waiting"]:  # type: ignore[arg-type]  # staff
            inbox["badge"] = waiting
        items.append(inbox)
    if request.user.has_perm("training.review_example"):
        items.append(
            {
                "title": _("Review"),
                "icon": "rate_review",
                "link": reverse("admin:review_queue"),
            }
        )
    if request.user.has_perm("chat.view_analytics"):
        items.append(
            {"title": _("Analytics"), "icon": "monitoring", "link": reverse("admin:analytics")}
        )
    return items


def _group(app: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": app["name"],
        "collapsible": False,
        "items": [
            {"title": model["name"], "link": model["admin_url"]}
            for model in app["models"]
            if model.get("admin_url")
        ],
    }
