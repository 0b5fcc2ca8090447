"""Numbers with what they count, dates and ids in a folded text: the things a sum or an order hangs on."""

import re
from decimal import Decimal, InvalidOperation
from typing import NamedTuple


class Quantity(NamedTuple):
    """A value in the base unit of its reason and kind: ``("unit", "mass", "500")``."""

    reason: str
    kind: str
    value: str


# Unit: reason, kind, size in the base unit of the kind. Months and years are no number of days.
_UNIT_TABLE = """
unit time 1 second seconds sec secs s 秒 秒钟
unit time 60 minute minutes min mins 分 分钟
unit time 3600 hour hours hr hrs h 小时 个小时 钟头 个钟头 个钟
unit time 86400 day days 天 个自然日
unit time 604800 week weeks 周 星期 个星期 礼拜 个礼拜
unit working 1 working~day working~days business~day business~days 个工作日 工作日
unit months 1 month months 个月
unit months 3 quarter quarters 个季度 季度
unit months 12 year years yr yrs 年
unit mass 1 g gram grams 克
unit mass 1000 kg kilo kilos kilogram kilograms 公斤 千克
unit mass 500 斤 市斤
unit mass 453.59 lb lbs pound pounds 磅
unit mass 28.35 oz ounce ounces 盎司
unit mass 1000000 ton tons tonne tonnes 吨
unit length 1 mm millimetre millimetres millimeter millimeters 毫米
unit length 10 cm centimetre centimetres centimeter centimeters 厘米 公分
unit length 1000 m metre metres meter meters 米
unit length 1000000 km kilometre kilometres kilometer kilometers 公里 千米
unit length 25.4 inch inches 英寸 寸
unit length 304.8 foot feet ft 英尺
unit length 1609344 mile miles 英里
unit volume 1 ml millilitre millilitres milliliter milliliters 毫升
unit volume 10 cl
unit volume 1000 l litre litres liter liters 升
unit volume 3785 gallon gallons 加仑
unit area 1 m2 sqm ㎡ 平方米 平米 平
unit area 10.764 平方英尺
unit temperature-c 1 c °c celsius degrees~celsius 摄氏度 度 degree degrees
unit temperature-f 1 f °f fahrenheit degrees~fahrenheit 华氏度
unit bytes 1 kb kilobyte kilobytes
unit bytes 1000 mb megabyte megabytes 兆 兆字节
unit bytes 1000000 gb gigabyte gigabytes g流量 千兆 个g
unit bytes 1000000000 tb terabyte terabytes
unit bits 1 kbit kilobit kilobits kbps
unit bits 1000 mbit megabit megabits mbps
unit bits 1000000 gbit gigabit gigabits gbps
unit power 1 w watt watts 瓦
unit power 1000 kw kilowatt kilowatts 千瓦
unit volt 1 v volt volts 伏
unit charge 1 mah 毫安 毫安时
unit charge 1000 ah 安时
unit energy 1 kwh 千瓦时
unit calorie 1 kcal calorie calories 大卡 千卡 卡路里
amount eur 1 € eur euro euros 欧元 欧
amount eur 0.01 cent cents 欧分
amount usd 1 $ usd us$ dollar dollars 美元 美金 刀
amount gbp 1 £ gbp quid 英镑
amount cny 1 ¥ cny rmb yuan 元 块 块钱 元钱 人民币 圆
amount cny 0.1 角 毛 毛钱
amount jpy 1 jpy yen 日元
amount hkd 1 hkd hk$ 港币 港元
amount chf 1 chf franc francs 瑞士法郎
number percent 1 % percent per~cent 个点 个百分点
number discount 1 折
date day 1 号 日
date month 1 月 月份
date clock 1 点 点钟 时 o'clock am a.m.
date clock-pm 1 pm p.m.
""".strip()
_UNITS = {
    word.replace("~", " "): (reason, kind, Decimal(size))
    for reason, kind, size, *words in map(str.split, _UNIT_TABLE.splitlines())
    for word in words
}
_PREFIXES = {"$", "€", "£", "¥", "us$", "hk$", "usd", "eur", "gbp", "rmb", "chf"}
_MONTH_NAMES = """
january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sep sept
|october oct|november nov|december dec
"""
_MONTHS = {
    name: str(number)
    for number, names in enumerate(_MONTH_NAMES.split("|"), 1)
    for name in names.split()
}

_BELOW_TWENTY = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: value for value, word in enumerate(_BELOW_TWENTY.split())}
_SMALL |= {word: 10 * value for value, word in enumerate(_TENS.split(), 2)}
_SMALL |= {"both": 2, "couple": 2, "dozen": 12, "hundred": 100, "thousand": 1000}
_ORDINALS = {
    "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "twelfth": 12, "thirtieth": 30, "twice": 2, "thrice": 3,
}  # fmt: skip
_WORD = "|".join(sorted([*_SMALL, "million"], key=len, reverse=True))
_SPELLED = re.compile(rf"\b(?:an? )?(?:{_WORD})(?:(?:[ -]|-? ?and )(?:{_WORD}))*\b")
_ORDINAL = re.compile(rf"\b(?:{'|'.join(_ORDINALS)})\b")
_HALF = re.compile(r"\b(?:half (?:an?|the)|half)\b")

_HAN_SCALE = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_HAN_NUMBER = re.compile(
    "(?:[0-9]+(?:\\.[0-9]+)?|[两俩十])(?:[0-9两十百亿万]|千(?![克米兆瓦卡]))*(?:[0-9]|(?<=[百千万])半)?"
)
# 一 is also half of many words that count nothing (it is folded to 1).
_NO_NUMBER = re.compile(
    "(?<![0-9])1(?:下子?|样|直|起|般|些|旦|键|共|并|律|切|边|定|会儿|概|致|度|向|时)"
    "|(?<![0-9午上晨])1点(?=[点儿也都不没]|$)|[统唯万另单](?<![0-9])1|第1时间|十分(?!钟|之)|[三3]方|5险1金|[7七]天无理由"
)
_ONE_OF = re.compile("([上下这那本前后哪])1(?=[个次期周月年件位])()")
_WEEKDAY = re.compile("(?:周|星期|礼拜)([1-7日天])(?![0-9]|[个次天])")
_PER_CENT = re.compile("百分之([0-9十百两.]+)")

_ID = re.compile(
    r"(?<![a-z0-9])(?=[a-z0-9/_-]*[0-9])(?=[a-z0-9/_-]*[a-z])[a-z0-9]+(?:[-/_][a-z0-9]+)*(?![a-z0-9])"
)
_SIGNED_ID = re.compile(
    r"(?<![a-z0-9])[0-9]{2,}(?:[-/.:][0-9]+)+(?![a-z0-9])|(?<![a-z0-9.,])(?:0[0-9]+|[0-9]{7,})(?![a-z0-9.])"
)
_CLOCK = re.compile(r"(?<![0-9:])([0-2]?[0-9]):([0-5][0-9])(?![0-9:]) ?(am|pm|a\.m\.|p\.m\.)?")
_NUMBER = r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)*"
_WORD_UNITS = sorted((unit for unit in _UNITS if unit not in ("$", "€")), key=len, reverse=True)
_UNIT = "|".join(
    re.escape(unit).replace(r"\ ", " ") + (r"(?![a-z0-9])" if unit[-1].isascii() else "")
    for unit in [*_WORD_UNITS, "$", "€"]
)
_PREFIX = "|".join(re.escape(unit) for unit in sorted(_PREFIXES, key=len, reverse=True))
_MEASURED = re.compile(
    rf"(?P<before>(?<![a-z])(?:{_PREFIX}) ?)?(?<![0-9.])(?P<value>{_NUMBER})(?P<ordinal>st|nd|rd|th)?"
    rf"(?P<half>个半|半)?(?:[ -]?(?P<unit>{_UNIT}))?"
)
_MONTH_DAY = re.compile(
    rf"\b(?P<month>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b\.? (?:the )?(?P<after>[0-9]{{1,2}})(?:st|nd|rd|th)?\b"
    rf"|\b(?P<before>[0-9]{{1,2}})(?:st|nd|rd|th)? (?:of )?(?P<month2>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b"
)
_HAN_HALF = {
    "半年": "6个月",
    "半天": "12小时",
    "半小时": "30分钟",
    "半个小时": "30分钟",
    "半个月": "15天",
}
_HAN_HALF |= {"半斤": "0.5斤", "1半": "50%", "半价": "5折", "半": "0.5"}
_HAN_HALVES = re.compile("|".join(sorted(_HAN_HALF, key=len, reverse=True)))
_PM = re.compile("(?:下午|晚上|傍晚|今晚)(?=(?:[0-9]{1,2})(?:点|时|:))")


def replaced(text: str) -> tuple[str, tuple[Quantity, ...]]:
    """The folded text with each quantity as ``#index#``, and the quantities."""
    found: list[Quantity] = []

    def keep(*quantities: Quantity) -> str:
        found.extend(quantities)
        first = len(found) - len(quantities)
        return "".join(f" #{index}# " for index in range(first, len(found)))

    def identified(match: re.Match[str]) -> str:
        token = match[0]
        if _MEASURED.fullmatch(token) or token.isalpha():
            return token
        return keep(Quantity("id", "", token))

    def dated(match: re.Match[str]) -> str:
        month = _MONTHS[match["month"] or match["month2"]]
        day = match["after"] or match["before"]
        return keep(Quantity("date", "month", month), Quantity("date", "day", _normal(day)))

    def weekday(match: re.Match[str]) -> str:
        return keep(Quantity("date", "weekday", "7" if match[1] in "日天" else match[1]))

    def clock(match: re.Match[str]) -> str:
        hour = int(match[1]) % 12 + 12 if (match[3] or "").startswith("p") else int(match[1])
        minute = "" if match[2] == "00" else f":{match[2]}"
        return keep(Quantity("date", "clock", f"{hour}{minute}"))

    def measured(match: re.Match[str]) -> str:
        if match["half"]:
            # "3个半小时", "2年半": the half belongs to the unit that follows.
            return keep(Quantity("number", "", _normal(match["value"], Decimal("0.5"))))
        unit = match["unit"] or (match["before"] or "").strip()
        return keep(_quantity(match["value"], unit, bool(match["ordinal"])))

    text = _ONE_OF.sub(r"\1\2", text)
    text = _WEEKDAY.sub(weekday, text)
    text = _PER_CENT.sub(lambda match: f"{_han(match[1])}%", text)
    text = _NO_NUMBER.sub(" ", text)
    text = _HAN_HALVES.sub(lambda match: _HAN_HALF[match[0]], text)
    text = _HAN_NUMBER.sub(lambda match: _han(match[0]), text)
    text = _SPELLED.sub(lambda match: _spelled(match[0]), text)
    text = _ORDINAL.sub(lambda match: str(_ORDINALS[match[0]]), text)
    text = _HALF.sub("0.5", text)
    text = _PM.sub("下午 pm", text)
    text = re.sub("pm([0-9]+)(?:点钟?|时)", lambda match: f"{match[1]} pm", text)
    text = _MONTH_DAY.sub(dated, text)
    text = _CLOCK.sub(clock, text)
    text = _ID.sub(identified, text)
    text = _SIGNED_ID.sub(lambda match: keep(Quantity("id", "", match[0])), text)
    # What is kept already must not be read again.
    parts = re.split("( #[0-9]+# )", text)
    parts[::2] = [_MEASURED.sub(measured, part) for part in parts[::2]]
    return "".join(parts), tuple(found)


def _quantity(value: str, unit: str, ordinal: bool) -> Quantity:
    reason, kind, size = _UNITS.get(unit, ("number", "", Decimal(1)))
    if ordinal:
        reason, kind, size = "number", "", Decimal(1)
    if kind == "clock-pm":
        return Quantity("date", "clock", str(_hour(value)))
    return Quantity(reason, kind, _normal(value, size=size))


def _hour(value: str) -> str:
    return str(int(value) % 12 + 12) if value.isdecimal() and len(value) < 3 else value


def _normal(value: str, more: Decimal = Decimal(0), size: Decimal = Decimal(1)) -> str:
    try:
        number = (Decimal(value.replace(",", "")) + more) * size
        return format(number.normalize(), "f") if abs(number.adjusted()) < 30 else value
    except InvalidOperation:
        return value  # a version, 2.4.1


def _spelled(words: str) -> str:
    total = group = 0
    for word in re.split(r"[ -]+", words):
        if word == "million":
            total, group = total + max(group, 1) * 1_000_000, 0
        elif word == "thousand":
            total, group = total + max(group, 1) * 1000, 0
        elif word in ("hundred", "dozen"):
            group = max(group, 1) * _SMALL[word]
        else:
            group += _SMALL.get(word, 0)
    return str(total + group)


def _han(text: str) -> str:
    """三百五十 is 350, 2万 is 20000, 3百5 is 350; digits stay what they are."""
    if not re.search("[十百千万亿两俩半]", text):
        return text
    total = section = Decimal(0)
    number = Decimal(0)
    scale = 1
    for part in re.findall("[0-9]+(?:\\.[0-9]+)?|[^0-9.]", text):
        if part in _HAN_SCALE:
            size = scale = _HAN_SCALE[part]
            if size < 10_000:
                section += (number or 1) * size
            else:
                total, section = (total + section + number) * size, Decimal(0)
            number = Decimal(0)
        elif part == "半":
            number = Decimal(scale) / 2
        else:
            number = Decimal(2) if part in "两俩" else Decimal(part)
            # 三百五 is 350, 三百零五 305.
            if scale > 10 and len(part) == 1 and text.endswith(part):
                number = number * scale / 10
    result = total + section + number
    return format(result.normalize(), "f") if abs(result.adjusted()) < 30 else text
