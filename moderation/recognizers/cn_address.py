"""Chinese postal addresses: from a region, road or estate down to a number."""

from collections.abc import Callable, Iterator

import regex

from moderation.normalization import View
from moderation.recognizers.base import Match

_HAN = r"[\u4e00-\u9fff]"
_NUMBER = r"[0-9A-Za-z一二三四五六七八九十百零〇甲乙丙丁\-—]{1,8}"
_PROVINCES = "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
_CITIES = (
    "石家庄|唐山|保定|太原|大同|沈阳|大连|长春|哈尔滨|南京|苏州|无锡|常州|徐州|南通|扬州|杭州|宁波|温州|嘉兴|绍兴|金华|台州|合肥|芜湖|福州|厦门|泉州|漳州|南昌|赣州|济南|青岛|烟台|潍坊|临沂|郑州|洛阳|武汉|宜昌|襄阳"
    "|长沙|株洲|衡阳|广州|深圳|珠海|佛山|东莞|中山|惠州|汕头|南宁|柳州|桂林|海口|三亚|成都|绵阳|贵阳|遵义|昆明|拉萨|西安|咸阳|兰州|西宁|银川|乌鲁木齐|呼和浩特|包头"
)
# What ends the name of a level; a name may begin with one of them, but holds none.
_ENDS = "省市区县旗盟镇乡路街巷弄号栋幢座楼层室"
_NAME = rf"{_HAN}(?:(?![{_ENDS}]){_HAN}){{0,9}}+"
_REGION = (
    rf"(?>(?:(?:{_PROVINCES})(?:省|市|(?:壮族|回族|维吾尔)?自治区|特别行政区)?\s?)?(?:(?:{_CITIES})市?\s?)?"
    rf"(?:{_NAME}(?:市|区|县|旗|盟|街道|镇|乡)\s?){{0,4}})"
)
_ROAD = (
    rf"(?:{_HAN}{{1,10}}?(?:大道|大街|路|街|巷|弄|胡同|里|道)(?:[东西南北中]{{1,2}}[段路街]?)?\s?)"
)
_HOUSE = rf"(?:附?{_NUMBER}(?:号院|号楼|号|弄|栋|幢|座|楼|层|单元|室|户|房|期|区|队|组|村)(?:之[一二三])?\s?)"
_ESTATE = r"(?:[\u4e00-\u9fffA-Za-z0-9]{2,14}?(?:小区|花园|公寓|大厦|广场|家园|新村|苑|庭|府|城|湾|社区|宿舍|大楼|学校|大学|中学|医院|中心|工业园|科技园|产业园|写字楼|商场|国际|村|庄|屯)\s?)"
_ADDRESS = regex.compile(
    rf"{_REGION}(?:{_ROAD}{_HOUSE}{{0,2}}{_ESTATE}{{0,2}}{_HOUSE}{{0,5}}(?:{_NUMBER}(?![年月日元块点天号]))?|{_ESTATE}{_HOUSE}{{1,5}}(?:[0-9]{{2,4}})?)"
    r"(?:(?<= )[0-9]{6}(?![0-9]))?"
)
_LEVELS = regex.compile(
    r"省|自治区|市|区|县|镇|乡|街道|路|大道|街|巷|弄|胡同|号|栋|幢|单元|室|楼|小区|花园|公寓|大厦|村|座"
)
_ROADLIKE = regex.compile(
    r"路|大道|街|巷|弄|胡同|道|小区|花园|公寓|大厦|家园|苑|庭|府|村|新村|广场|社区|宿舍|大楼|大学|镇|乡"
)
_HAS_NUMBER = regex.compile(rf"{_NUMBER}(?:号|栋|幢|单元|室|楼|弄|座|层|户|组|队)|[0-9]{{3,4}}$")
_SAYS = "地址|住址|位置|寄到|寄往|送到|送往|发到|发往|寄回|住在|家在|位于|改成|改为|改到|换成|换到|填成|写成|搬到|公司在|学校在|单位在"
_SAID = regex.compile(rf"(?:{_SAYS})[:\s]{{0,2}}")
# What else may stand before an address without a sign between them: no part of it.
_LEAD = regex.compile(
    r"(?:[是在到发寄送住为往去我你您请给把的叫就收帮 ]|这[个里]?|那[个里]?|家里|现在|目前|麻烦|公司){0,6}+"
)
_TOP = regex.compile(rf"(?:{_PROVINCES}|{_CITIES})(?=省|市|自治区|{_HAN}{{1,6}}[市区县])")
_NEEDS = regex.compile(r"[路街巷弄号栋幢室区县镇村道苑]")
_PIECE = regex.compile(r"[\u4e00-\u9fffA-Za-z0-9\-—·()（）# ]{4,80}")
_BARRIER = regex.compile(r"[^\u4e00-\u9fffA-Za-z0-9\-—·()（）# ]")
_HOLD = 80
_AHEAD = 12
_BETWEEN = 6
_SHORTEST = 5


class ChineseAddress:
    """At least two levels, one of them a road or an estate, and a number or word before it."""

    kind = "address"
    name = "cn_address"

    def find(self, view: View) -> Iterator[Match]:
        text = view.text
        if not _NEEDS.search(text):
            return
        for piece in _PIECE.finditer(text):
            yield from _in_piece(text, piece.start(), piece.end())

    def open_from(self, view: View) -> int:
        """The clause that is being written, at most so many characters of it."""
        text = view.text
        start = max(0, len(text) - _HOLD)
        for barrier in _BARRIER.finditer(text, start):
            start = barrier.end()
        return start


def _in_piece(text: str, start: int, end: int) -> Iterator[Match]:
    said = [match.end() for match in _SAID.finditer(text, max(0, start - _AHEAD), end)]
    if not said and not _HAS_NUMBER.search(text, start, end):
        return
    tops = [match.start() for match in _TOP.finditer(text, start, end)]
    for match in _ADDRESS.finditer(text, start, end):
        # It begins at its province or city, or else after what leads to it.
        begin = _nearest(said, match.start(), max)
        if (lead := _LEAD.match(text, begin, match.end())) is not None:
            begin = lead.end()
        begin = _nearest(tops, begin, min)
        value = text[begin : match.end()].rstrip()
        if len(value) < _SHORTEST or not _ROADLIKE.search(value):
            continue
        is_said = any(0 <= begin - each <= _BETWEEN for each in said)
        if len(_LEVELS.findall(value)) >= 2 and (is_said or _HAS_NUMBER.search(value)):
            yield Match(begin, begin + len(value), value.replace(" ", ""), 0.8)


def _nearest(places: list[int], start: int, choose: Callable[..., int]) -> int:
    """The last or first of the places a few characters after ``start``; else ``start``."""
    return choose((each for each in places if 0 <= each - start <= _AHEAD), default=start)


CN_ADDRESS = ChineseAddress()
