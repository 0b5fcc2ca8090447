"""Payment cards: Luhn's check, and a length and prefix that some issuer uses (ISO/IEC 7812)."""

import regex
from stdnum import luhn

from moderation.recognizers import context
from moderation.recognizers.base import PatternRecognizer
from moderation.recognizers.digits import DIGIT, END, GAP, HAS_DIGIT, START, digits_of

_CARD_WORD = regex.compile(r"卡|\bcards?\b|visa|master|amex|\bpay", regex.IGNORECASE)
_NUMBER_OF_CARD = regex.compile(
    r"(?:卡号|银行卡|信用卡|储蓄卡|行卡)[号码是为:：\s]{0,4}$|card\s(?:number|no\.?)(?:\sis)?[:\s]{0,3}$",
    regex.IGNORECASE,
)
_ISSUERS = regex.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|62\d{14,17}|81\d{14,17}"  # UnionPay
    r"|9[0-9]\d{14,17}|60\d{14,17}"  # older cards of Chinese banks
    r"|35\d{14,17}|(?:2131|1800)\d{11}"  # JCB
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12,15}"  # Discover
    r"|3(?:0[0-5]|095|[689]\d)\d{11,16}"  # Diners Club
    r"|(?:5018|5020|5038|5[68]\d\d|6304|6759|676[1-3]|0604|6\d{3})\d{8,15}"  # Maestro
)


def _card(match: "regex.Match[str]") -> str | None:
    number = digits_of(match[0])
    if not _ISSUERS.fullmatch(number) or len(set(number)) < 2:
        return None
    if not luhn.is_valid(number):
        # Somebody who mistypes a card has still written nearly all of it.
        return number if _NUMBER_OF_CARD.search(context.before(match)) else None
    said = bool(_CARD_WORD.search(context.before(match)))
    return number if said or not context.is_order(match) else None


CARD = PatternRecognizer(
    kind="card",
    name="payment_card",
    pattern=regex.compile(rf"{START}{DIGIT}(?:{GAP}{DIGIT}){{11,18}}{END}"),
    canonical=_card,
    needs=HAS_DIGIT,
)
