"""Numbers of documents of mainland China: resident identity, company code, plate, passport."""

import datetime

import regex
from stdnum.cn import uscc
from stdnum.iso7064 import mod_11_2

from moderation.recognizers import context
from moderation.recognizers.base import PatternRecognizer
from moderation.recognizers.digits import DIGIT, END, GAP, HAS_DIGIT, START, digits_of

_ID_WORD = regex.compile(r"身份证|证件|证号|身分证|identity|\bid\b", regex.IGNORECASE)
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"


# Provinces by the first two digits (GB/T 2260).
_RESIDENT = regex.compile(r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])[0-9]{15}[0-9X]")


def _is_date(digits: str) -> bool:
    try:
        born = datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return born.year >= 1880


def _resident(match: "regex.Match[str]") -> str | None:
    number = digits_of(match[0])
    if match[0][-1] in "Xx×":
        number += "X"
    if not _RESIDENT.fullmatch(number) or not _is_date(number[6:14]):
        return None
    return number if mod_11_2.is_valid(number) else None


def _old_resident(match: "regex.Match[str]") -> str | None:
    month, day = int(match[0][8:10]), int(match[0][10:12])
    dated = 1 <= month <= 12 and 1 <= day <= 31
    return match[0] if dated and _ID_WORD.search(context.before(match)) else None


def _company(match: "regex.Match[str]") -> str | None:
    number = match[0].upper()
    return number if uscc.is_valid(number) and not number.isdigit() else None


RESIDENT_ID = PatternRecognizer(
    kind="id_number",
    name="cn_resident_id",
    pattern=regex.compile(rf"{START}{DIGIT}(?:{GAP}{DIGIT}){{16}}{GAP}(?:{DIGIT}|[Xx×]){END}"),
    canonical=_resident,
    needs=HAS_DIGIT,
)
OLD_RESIDENT_ID = PatternRecognizer(
    kind="id_number",
    name="cn_old_resident_id",
    pattern=regex.compile(rf"{START}[1-8][0-9]{{14}}{END}"),
    canonical=_old_resident,
    score=0.8,
    needs=HAS_DIGIT,
)
COMPANY_CODE = PatternRecognizer(
    kind="company_id",
    name="cn_uscc",
    pattern=regex.compile(rf"{START}[0-9A-HJ-NPQRTUWXYa-hj-npqrtuwxy]{{18}}{END}"),
    canonical=_company,
    needs=HAS_DIGIT,
)
PLATE = PatternRecognizer(
    kind="plate",
    name="cn_plate",
    pattern=regex.compile(
        rf"[{_PROVINCES}][A-HJ-NP-Z][·•.\- ]?"
        r"(?:[A-HJ-NP-Z0-9]{5}|[DF][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[DF]|[A-HJ-NP-Z0-9]{4}[挂学警港澳])"
        r"(?![A-Za-z0-9])",
    ),
    canonical=lambda match: (
        regex.sub(r"[·•.\- ]", "", match[0]) if regex.search(r"[0-9]{2}", match[0]) else None
    ),
    needs=HAS_DIGIT,
)
PASSPORT = PatternRecognizer(
    kind="passport",
    name="passport",
    pattern=regex.compile(
        r"(?:护照|通行证|passport)[^\n。；;]{0,16}?[^A-Za-z0-9](?P<value>[A-Z]{1,2}[0-9]{6,8}|[0-9]{9})(?![A-Za-z0-9])"
        r"|(?:护照|通行证)(?:号码?)?(?P<value>[A-Z]{1,2}[0-9]{6,8}|[0-9]{9})(?![A-Za-z0-9])",
        regex.IGNORECASE,
    ),
    canonical=lambda match: match["value"].upper(),
    score=0.9,
    needs=HAS_DIGIT,
)
