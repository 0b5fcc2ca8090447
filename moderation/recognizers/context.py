"""What stands before a number and says what kind of number it is."""

import regex

REACH = 40

# A word numbers nothing in the next sentence; "No. 5" is one sentence, and so are a label and its line.
_ENDS = regex.compile(r"[?!？！。；;]|(?<!\b[Nn]o)(?<!\b[Nn]r)\.(?=\s)")
_ORDER = regex.compile(
    r"订单|单号|运单|快递|物流|流水|编号|货号|发票|批次|合同号|工单|条码|条形码|序列号|券码|取件码|金额|价格|型号|版本"
    r"|\b(?:orders?|tracking|track|invoice|sku|item|product|serial|batch|shipment|parcel|package|receipt|reference|ref"
    r"|ticket|case|part|model|order\s?id|isbn|ean|upc|coupon|voucher|confirmation|transaction|version|awb|waybill)\b",
    regex.IGNORECASE,
)
_PHONE = regex.compile(
    r"电话|手机|联系|拨打|致电|座机|打给|来电|短信|whatsapp|热线|传真"
    r"|\b(?:phone|phones|telephone|tel|mobile|cell|cellphone|call|called|calling|contact|text|sms|reach|dial|fax|ring|registered)\b"
    r"|\b(?:my|his|her|our|your)\snumber\b",
    regex.IGNORECASE,
)


def before(match: "regex.Match[str]") -> str:
    """The text just before a match."""
    return str(match.string[max(0, match.start() - REACH) : match.start()])


def is_order(match: "regex.Match[str]") -> bool:
    """Whether the nearest word before the match, in its sentence, says that it numbers a thing."""
    text = before(match)
    return _last(_ORDER, text) > max(_last(_PHONE, text), _last(_ENDS, text))


def is_phone(match: "regex.Match[str]") -> bool:
    """Whether the nearest word before the match says that it is a phone's number."""
    text = before(match)
    return _last(_PHONE, text) > _last(_ORDER, text)


def _last(pattern: "regex.Pattern[str]", text: str) -> int:
    return max((match.end() for match in pattern.finditer(text)), default=-1)
