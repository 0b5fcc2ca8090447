"""The two pages that customers may see: the widget's panel and the demo shop."""

import json
import uuid
from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from chat.models import Bot
from chat.selectors import active_bot, demo_bot

LOCALES = ("en", "zh-hans")
THEMES = ("auto", "light", "dark")


@require_safe
@xframe_options_exempt
def panel(request: HttpRequest, bot_id: uuid.UUID) -> HttpResponse:
    """The chat itself, framed by the sites of its bot. What it shows comes over the API."""
    bot = active_bot(bot_id)
    if bot is None:
        raise Http404
    context = {
        "bot": bot,
        "locale": _chosen(request.GET.get("locale", ""), LOCALES),
        "theme": _chosen(request.GET.get("theme", ""), THEMES),
        "welcome": json.dumps(bot.welcome, ensure_ascii=False),
        "starters": json.dumps(bot.starter_questions, ensure_ascii=False),
    }
    response = render(request, "widget/panel.html", context)
    response["Content-Security-Policy"] = _panel_policy(request, bot)
    return response


@require_safe
def demo(request: HttpRequest) -> HttpResponse:
    """A fictional shop with the widget on it: what a newcomer sees first."""
    locale = _chosen(request.GET.get("lang") or request.headers.get("Accept-Language", ""), LOCALES)
    theme = _chosen(request.GET.get("theme", ""), THEMES)
    page = f"demo/{locale.replace('-', '_')}.html"
    context = {"bot": demo_bot(), "locale": locale, "theme": theme}
    response = render(request, page, context)
    patch_vary_headers(response, ["Accept-Language"])
    return response


def _chosen(wish: str, offered: tuple[str, ...]) -> str:
    """What is offered and comes nearest to the wish, else the first."""
    wish = wish.strip().lower()
    if "zh-hans" in offered and wish.startswith("zh"):
        return "zh-hans"
    return wish if wish in offered else offered[0]


def _panel_policy(request: HttpRequest, bot: Bot) -> str:
    """Own scripts only, no sink for markup, and only the bot's sites as frames around it."""
    page = urlsplit(request.build_absolute_uri())
    socket = f"{'wss' if page.scheme == 'https' else 'ws'}://{page.netloc}"
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"connect-src 'self' {socket}",
            "img-src 'self' data:",
            "font-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            " ".join(("frame-ancestors 'self'", *bot.allowed_sites)),
            "require-trusted-types-for 'script'",
        )
    )
