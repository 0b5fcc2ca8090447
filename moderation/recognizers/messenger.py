"""WeChat and QQ: ids that only the word before them gives away."""

import regex

from moderation.recognizers.base import PatternRecognizer
from moderation.recognizers.digits import digits_of

_LINK = r"(?:\s?(?:id|is|account)(?![A-Za-z0-9_])|[\s:号是为用,账\-]){0,6}"
_NO_ID = frozenset(
    ["alipay", "wechat", "weixin", "support", "service", "customer", "payment", "account"]
)


def _wechat(match: "regex.Match[str]") -> str | None:
    value = match["value"]
    return None if value.lower() in _NO_ID else value.lower()


WECHAT = PatternRecognizer(
    kind="wechat",
    name="wechat",
    pattern=regex.compile(
        rf"(?:微信|薇信|威信|(?<![A-Za-z])(?:wechat|weixin|vx|wx|v信)){_LINK}"
        r"(?P<value>[A-Za-z][A-Za-z0-9_\-]{5,19}|1[3-9]\d{9})(?![A-Za-z0-9_\-])",
        regex.IGNORECASE,
    ),
    canonical=_wechat,
    score=0.95,
    needs=regex.compile(r"信|wechat|weixin|vx|wx", regex.IGNORECASE),
)
QQ = PatternRecognizer(
    kind="qq",
    name="qq",
    pattern=regex.compile(
        rf"(?:(?<![A-Za-z])QQ|扣扣|企鹅号){_LINK}(?P<value>[1-9](?:[ \-]?\d){{4,10}})(?!\d)",
        regex.IGNORECASE,
    ),
    canonical=lambda match: digits_of(match["value"]),
    score=0.95,
    needs=regex.compile(r"qq|扣|企鹅", regex.IGNORECASE),
)
