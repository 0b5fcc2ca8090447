"""Addresses of machines, and secrets that stand in addresses and sentences."""

import ipaddress

import regex
from stdnum import imei

from moderation.recognizers import context
from moderation.recognizers.base import PatternRecognizer
from moderation.recognizers.digits import HAS_DIGIT

_VERSION = regex.compile(
    r"(?:\bversion|\bver\.?|\bv|版本|固件|release|build|firmware)[号:： ]{0,3}$", regex.IGNORECASE
)


def _ip(match: "regex.Match[str]") -> str | None:
    try:
        value = ipaddress.ip_address(match[0])
    except ValueError:
        return None
    return None if _VERSION.search(context.before(match)) else str(value)


def _secret(match: "regex.Match[str]") -> str | None:
    value = match["value"]
    # A word alone is a remark ("the password is wrong"), no password.
    return value if regex.search(r"[0-9!@#$%^&*_+=]", value) else None


def _url_secret(match: "regex.Match[str]") -> str | None:
    return str(match["value"])


def _imei(match: "regex.Match[str]") -> str | None:
    value = regex.sub(r"[ \-]", "", match["value"])
    return value if imei.is_valid(value) else None


IP_V4 = PatternRecognizer(
    kind="ip",
    name="ip_v4",
    pattern=regex.compile(r"(?<![0-9A-Za-z.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9A-Za-z]|\.[0-9])"),
    canonical=_ip,
    score=0.9,
    needs=HAS_DIGIT,
)
IP_V6 = PatternRecognizer(
    kind="ip",
    name="ip_v6",
    pattern=regex.compile(
        r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4}(?![0-9A-Za-z:])"
    ),
    canonical=_ip,
    score=0.9,
    needs=regex.compile(r":[0-9A-Fa-f]{0,4}:"),
)
MAC = PatternRecognizer(
    kind="device_id",
    name="mac",
    pattern=regex.compile(
        r"(?<![0-9A-Za-z:\-])(?:[0-9A-Fa-f]{2}([:\-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4})(?![0-9A-Za-z:\-])"
    ),
    canonical=lambda match: regex.sub(r"[^0-9a-f]", "", match[0].lower()),
)
IMEI = PatternRecognizer(
    kind="device_id",
    name="imei",
    pattern=regex.compile(
        r"(?:imei|串号|设备号)[^0-9\n]{0,10}(?P<value>[0-9]{2}(?:[ \-]?[0-9]){13})(?![0-9A-Za-z])",
        regex.IGNORECASE,
    ),
    canonical=_imei,
    needs=regex.compile(r"imei|串号|设备号", regex.IGNORECASE),
)
URL_USER = PatternRecognizer(
    kind="credential",
    name="url_user",
    pattern=regex.compile(
        r"(?<![A-Za-z])[A-Za-z][A-Za-z0-9+.\-]{1,15}://(?P<value>[^\s/@:]{0,64}:[^\s/@]{1,128})@"
    ),
    canonical=_url_secret,
    needs=regex.compile(r"://"),
)
URL_SECRET = PatternRecognizer(
    kind="credential",
    name="url_secret",
    pattern=regex.compile(
        r"[?&](?:access_?token|auth_?token|token|api_?key|secret|client_?secret|password|passwd|pwd|session_?id|sig|signature)=(?P<value>[^\s&#]{4,256})",
        regex.IGNORECASE,
    ),
    canonical=_url_secret,
    needs=regex.compile(r"[?&]"),
    reads_on=0,
)
PASSWORD = PatternRecognizer(
    kind="credential",
    name="password",
    pattern=regex.compile(
        r"(?:(?<![A-Za-z])(?:password|passwd|passcode|pwd|pin code)|密码|口令)\s{0,2}(?:(?:is|was)\s|[:=：是为])\s{0,3}"
        r"(?P<value>[\x21-\x7e]{4,64}?)(?=[.,;!?]?(?:\s|$|[^\x00-\x7f]))",
        regex.IGNORECASE,
    ),
    canonical=_secret,
    score=0.9,
    needs=regex.compile(r"pass|pwd|pin|密码|口令", regex.IGNORECASE),
)
