"""Chinese names: a surname and one or two characters, where the words around speak of a person."""

from collections.abc import Iterator

import regex

from moderation.normalization import View
from moderation.recognizers.base import Match
from moderation.recognizers.dictionaries import words

SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
    "温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫"
    "费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠荆乐冀郁胥南班储原栗燕楚鄢扶奚"
)
COMPOUND = "欧阳|上官|司马|诸葛|司徒|东方|皇甫|尉迟|公孙|慕容|令狐|宇文|长孙|夏侯|轩辕|端木|独孤|南宫|百里|东郭|申屠|太史|澹台"
# After a name the sentence goes on with one of these.
_AFTER = "想要在的是和与已说申请买退换收寄下发电手住身地女男联购表认介告指透称道对在从将则也就，。,.;；:：！!？?、/|（( \t\n"

_ROLES = "姓名|名字|收件人|收货人|寄件人|发件人|联系人|联络人|签收人|持卡人|户名|开户名|开户人|购买人|投保人|被保险人|乘车人"
_LOOSE_ROLES = "收货|收件|乘客|客户|顾客|患者|病人|学生|家长|员工|负责人|法人|代表人|申请人|本人|业主|租客|房东|买家|用户|经办人|原告|被告|甲方|乙方|先生|女士"
_BEFORE = (
    rf"(?:{_ROLES})(?:姓名|名字|名称)?(?:是|为|叫|改为|改成|写|填)?[:\s]{{0,3}}"
    rf"|(?:{_LOOSE_ROLES})(?:姓名|名字|名称)?(?:是|为|叫|[:])\s{{0,2}}"
    r"|(?:我叫|我名叫|名叫|叫做|我的名字是|我的名字叫|名字是|名字叫|我姓名是|大名|他叫|她叫|儿子叫|女儿叫|老公叫|老婆叫|朋友叫|请找|转告|帮我找|抬头是|抬头写)[:\s]{0,2}"
    r"|(?:我是|这里是|主任|教授|总裁|董事长|主席|书记|院长|校长|局长|部长|市长|专家|分析师|发言人|主持人|作家|诗人|歌手|选手|球员|队员|教练|记者|作者|导演|演员|您好,|你好,|尊敬的|亲爱的)"
)
_TITLE = r"(?:先生|女士|小姐|老师|经理|医生|师傅|同学|阿姨|叔叔|大哥|总监|总经理|主任|律师|教授|警官|同志|太太|夫人)"
_HAN = r"[\u4e00-\u9fff]"
_INTRODUCED = regex.compile(
    rf"(?:{_BEFORE})(?P<name>(?:{COMPOUND}){_HAN}{{1,2}}|{_HAN}[·]?{_HAN}{{1,2}})"
)
_TITLED = regex.compile(rf"(?P<name>(?:{COMPOUND}){_HAN}{{0,2}}|{_HAN}{{1,3}}){_TITLE}")
_LISTED = regex.compile(
    rf"(?:^|[，,。;；\s:：、(（])(?P<name>(?:{COMPOUND}){_HAN}{{1,2}}|{_HAN}{{2,3}})[\s,，、:：]{{1,2}}"
    r"(?:男|女|电话|手机|身份证|护照|微信|邮箱|住址|地址|联系|1[3-9][0-9]|[0-9]{17})"
)
# After these a name needs more evidence: what follows it has to go on with a sentence.
_WEAK = regex.compile(
    "主任|教授|总裁|董事长|主席|书记|院长|校长|局长|部长|市长|专家|分析师|发言人|主持人|作家|诗人|歌手|选手|球员|队员|教练"
    "|记者|作者|导演|演员|我是|这里是|您好,|你好,|尊敬的|亲爱的"
)
_HOLD = 12


class ChineseName:
    """By context before, title after, or what a list of particulars goes on with."""

    kind = "name"
    name = "cn_name"

    def find(self, view: View) -> Iterator[Match]:
        text = view.text
        found: dict[int, Match] = {}
        for match in _INTRODUCED.finditer(text):
            weak = bool(_WEAK.match(match[0]))
            self._keep(found, text, match, weak=weak)
        for match in _TITLED.finditer(text):
            self._keep(found, text, match, titled=True)
        for match in _LISTED.finditer(text):
            self._keep(found, text, match)
        done = 0
        for start in sorted(found):
            if start >= done:
                done = found[start].end
                yield found[start]

    def open_from(self, view: View) -> int:
        """A name is decided a few characters after it."""
        text = view.text
        tail = max(0, len(text) - _HOLD)
        while tail < len(text) and not "\u4e00" <= text[tail] <= "\u9fff":
            tail += 1
        return tail

    def _keep(
        self,
        found: dict[int, Match],
        text: str,
        match: "regex.Match[str]",
        *,
        titled: bool = False,
        weak: bool = False,
    ) -> None:
        start, end = match.span("name")
        if titled:
            # The title ends the name: the surname nearest before it that fits begins it.
            candidates = [at for at in range(start, end) if text[at] in SURNAMES and end - at <= 3]
            compound = regex.search(rf"(?:{COMPOUND})[\u4e00-\u9fff]{{0,2}}$", text[start:end])
            if compound:
                candidates.insert(0, start + compound.start())
            if not candidates:
                return
            start = candidates[0] if end - candidates[0] >= 1 else candidates[-1]
        else:
            end = _name_end(text, start, end, weak=weak)
        name = text[start:end]
        if end > start and _is_name(name, titled=titled):
            found.setdefault(start, Match(start, end, name, 0.8))


def _name_end(text: str, start: int, end: int, *, weak: bool) -> int:
    """Where the name ends: before a word that goes on with the sentence."""
    compound = regex.match(COMPOUND, text[start:end])
    surname = len(compound[0]) if compound else 1
    full = end - start
    if full > surname + 1:
        following = text[end : end + 1]
        third = text[end - 1]
        if third in "的是在和想要已说，" or (weak and following and following not in _AFTER):
            end -= 1
    if weak and text[end : end + 1] and text[end] not in _AFTER:
        return start
    return end


def _is_name(name: str, *, titled: bool) -> bool:
    if regex.match(COMPOUND, name):
        return True
    if name[0] not in SURNAMES or any(each in "的了吗呢吧啊哦是不这那哪么" for each in name[1:]):
        return False
    if len(name) == 1:
        return titled
    return name[:2] not in words("cn_ordinary")


CN_NAME = ChineseName()
