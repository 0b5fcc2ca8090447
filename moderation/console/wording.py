"""What moderation looks for and does about it, in words of the staff."""

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from moderation.findings import Action, Family
from moderation.policy import OTHER
from moderation.words.defaults import CATEGORIES

_FOUND: dict[str, str | Promise] = {
    "name": _("Names"),
    "address": _("Postal addresses"),
    "email": _("Email addresses"),
    "phone": _("Phone numbers"),
    "card": _("Bank cards"),
    "iban": _("Bank accounts"),
    "ip": _("Network addresses"),
    "credential": _("Passwords and keys"),
    "device_id": _("Device numbers"),
    "company_id": _("Company numbers"),
    "id_number": _("Identity cards"),
    "national_id": _("National identity numbers"),
    "passport": _("Passports"),
    "plate": _("Number plates"),
    "qq": _("QQ numbers"),
    "ssn": _("Social security numbers"),
    "wechat": _("WeChat names"),
    "control_token": _("Control marks of the model"),
    "attack": _("Attempts to overrule instructions"),
}
_FAMILIES = {
    Family.WORD: _("Words"),
    Family.PERSONAL: _("Personal data"),
    Family.INJECTION: _("Attempts to steer the model"),
    Family.FAILURE: _("a check that failed"),
}
_ACTIONS = {
    Action.ALLOW: _("allow"),
    Action.MASK: _("mask"),
    Action.REVIEW: _("let through, open a case"),
    Action.BLOCK: _("block"),
}


def category(slug: str) -> str:
    """A category of words or a kind of personal data; what people added keeps its name."""
    if slug == OTHER:
        return gettext("Everything else")
    known = {each.slug: each.label for each in CATEGORIES}
    return gettext(known[slug]) if slug in known else str(_FOUND.get(slug, slug))


def family(value: str) -> str:
    return str(_FAMILIES.get(Family(value), value))


def action(value: str) -> str:
    return str(_ACTIONS[Action(value)])
