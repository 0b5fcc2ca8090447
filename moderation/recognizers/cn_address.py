"""Chinese postal addresses: from a region, road or estate down to a number."""

from collections.abc import Iterator

import regex

from moderation.normalization import View
from moderation.recognizers.base import Match

_HAN = r"[\u4e00-\u9fff]"
_NUMBER = r"[0-9A-Za-z一二三四五六七八九十百零〇甲乙丙丁\-—]{1,8}"
_PROVINCES = "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
_REGION = (
    rf"(?:(?:{_PROVINCES})(?:省|市|自治区|壮族自治区|回族自治区|维吾尔自治区|特别行政区)?)?\s?"
    rf"(?:{_HAN}{{2,8}}?(?:自治州|地区|盟|市)\s?)?(?:{_HAN}{{1,8}}?(?:新区|开发区|区|县|旗|市)\s?)?"
    rf"(?:{_HAN}{{1,8}}?(?:街道|镇|乡|苏木)\s?)?"
)
_ROAD = rf"(?:{_HAN}{{1,10}}?(?:大道|大街|路|街|巷|弄|胡同|里|道)(?:[东西南北中]段?)?\s?)"
_HOUSE = rf"(?:{_NUMBER}(?:号院|号楼|号|弄|栋|幢|座|楼|层|单元|室|户|房|期|区|队|组|村)\s?)"
_ESTATE = r"(?:[\u4e00-\u9fffA-Za-z0-9]{2,14}?(?:小区|花园|公寓|大厦|广场|家园|新村|苑|庭|府|城|湾|社区|宿舍|学校|大学|中学|医院|中心|工业园|科技园|产业园|写字楼|商场|村|庄|屯)\s?)"
_CHAIN = rf"{_REGION}(?:{_ROAD}{_HOUSE}{{0,2}}{_ESTATE}?{_HOUSE}{{0,5}}(?:{_NUMBER}(?![年月日元块点]))?|{_ESTATE}{_HOUSE}{{1,5}}(?:[0-9]{{2,4}})?)"
_ADDRESS = regex.compile(_CHAIN)
_LEVELS = regex.compile(
    r"省|自治区|市|区|县|镇|乡|街道|路|大道|街|巷|弄|胡同|号|栋|幢|单元|室|楼|小区|花园|公寓|大厦|村|座"
)
_ROADLIKE = regex.compile(
    r"路|大道|街|巷|弄|胡同|道|小区|花园|公寓|大厦|家园|苑|庭|府|村|新村|广场|社区|宿舍|大学|镇|乡"
)
_HAS_NUMBER = regex.compile(rf"{_NUMBER}(?:号|栋|幢|单元|室|楼|弄|座|层|户|组|队)|[0-9]{{3,4}}$")
_LEAD = regex.compile(
    r"^(?:.{0,8}?(?:地址|住址|位置|寄到|寄往|送到|送往|发到|发往|邮寄到|寄回|住在|住|家在|位于|改成|改为|搬到|公司在|学校在|在|到|是|为|叫)[:：\s]{0,2})(?=[\u4e00-\u9fff]{2})"
)
_NEEDS = regex.compile(r"[路街巷弄号栋幢室区县镇村道苑]")
_CONTEXT = regex.compile(
    r"(?:地址|住址|寄到|寄往|送到|送往|发到|住在|家在|位于|搬到|邮寄到)[是为在:：\s]{0,3}$"
)
_HOLD = 60


class ChineseAddress:
    """At least two levels, one of them a road or an estate, and a number or a region."""

    kind = "address"
    name = "cn_address"

    def find(self, view: View) -> Iterator[Match]:
        text = view.text
        if not _NEEDS.search(text):
            return
        for piece in regex.finditer(r"[\u4e00-\u9fffA-Za-z0-9\-—·()（）# ]{4,80}", text):
            yield from self._in_piece(text, piece.start(), piece.end())

    def open_from(self, view: View) -> int:
        """The clause that is being written, at most so many characters of it."""
        text = view.text
        start = max(0, len(text) - _HOLD)
        for barrier in regex.finditer(r"[^\u4e00-\u9fffA-Za-z0-9\-—·()（）# ]", text, pos=start):
            start = barrier.end()
        return start

    def _in_piece(self, text: str, start: int, end: int) -> Iterator[Match]:
        for match in _ADDRESS.finditer(text, start, end):
            begin = match.start()
            if (lead := _LEAD.match(match[0])) is not None:
                begin += lead.end()
            value = text[begin : match.end()].rstrip()
            levels = len(_LEVELS.findall(value))
            numbered = bool(_HAS_NUMBER.search(value))
            said = bool(_CONTEXT.search(text[max(0, begin - 12) : begin]))
            if not _ROADLIKE.search(value) or len(value) < 5:
                continue
            if (numbered and levels >= 2) or (said and levels >= 2) or levels >= 4:
                yield Match(begin, begin + len(value), value.replace(" ", ""), 0.8)


CN_ADDRESS = ChineseAddress()
