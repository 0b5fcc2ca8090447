"""Chinese names: a surname and one or two characters that names are made of.

After words that introduce a person most characters will do. In the middle of a sentence a name
has to stand between two things that may surround one, and to be no ordinary word.
"""

from collections.abc import Iterator

import regex

from moderation.normalization import View
from moderation.recognizers.base import Match
from moderation.recognizers.dictionaries import words

SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
    "温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫"
    "费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠荆乐冀郁胥南储原栗燕楚鄢扶奚"
)
COMPOUND = "欧阳|上官|司马|诸葛|司徒|东方|皇甫|尉迟|公孙|慕容|令狐|宇文|长孙|夏侯|轩辕|端木|独孤|南宫|百里|东郭|申屠|太史|澹台|闻人|淳于|单于|仲孙|公冶|宗政|濮阳|赫连|钟离|鲜于|闾丘|司空|亓官|呼延|拓跋"
# As in English one says John Doe.
_PLACEHOLDER = "张三丰?|李四|王五|赵六|孙七|周八|吴九|郑十|王二(?:麻子)?|韩梅梅|李雷"
_HAN = r"[\u4e00-\u9fff]"
_GIVEN = f"[{''.join(words('cn_given'))}]"
_COMMON = "[王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范石廖贾韦付邹孟熊秦邱江尹薛闫段侯龙史陶黎贺顾毛郝龚邵钱覃武戴莫孔汤]"
_SURNAME = f"[{''.join(sorted(SURNAMES))}]"

# Surnames that sentences are full of.
_WORDLIKE = "任和于应时成向连单关全常包查解平路管边麻原储官项车尚乐安方万从明文商师祝谈"

_ROLES = "姓名|名字|收件人|收货人|寄件人|发件人|联系人|联络人|签收人|持卡人|户名|开户名|开户人|购买人|投保人|被保险人|乘车人|登记人|预订人|预定人|入住人|紧急联系人|承租方|出租方|承租人|出租人|车主|取件人|提货人|报案人|当事人|受益人"
_LOOSE_ROLES = (
    "收货|收件|乘客|客户|顾客|患者|病人|学生|家长|员工|负责人|法人|代表人|申请人|本人|业主|租客|房东|买家|卖家|用户|经办人|原告|被告|甲方|乙方|先生|女士|会员|旅客|旅客姓名|考生|学员|老人|司机|骑手|快递员"
    "|同事|朋友|同学|室友|老公|老婆|妻子|丈夫|儿子|女儿|父亲|母亲|爸爸|妈妈|哥哥|姐姐|弟弟|妹妹|孩子|嘉宾|店长|技师|管家|客服|专员"
)
_LABELS = "称呼|签名|署名|落款|抬头|账户|账户名|户主"
_PHRASES = "我叫|我名叫|名叫|叫做|我的名字是|我的名字叫|名字是|名字叫|我姓名是|大名|他叫|她叫|叫我|请找|转告|帮我找|抬头是|抬头写|改名为|更名为|名字写|名字改成"
_GREETINGS = "我是|这里是|您好|你好|尊敬的|亲爱的|感谢|恭喜|联系|改成|改为|换成|写成|填成|转给|交给|发给|寄给|送给|叫|@"
_OFFICE = (
    "主任|教授|总裁|董事长?|主席|书记|[院校局部处科市县省会行馆厂村社所团班组船机站园队]长|秘书长|副总|总经理|经理|总监|主编|编辑|专家|分析师|工程师|研究员|设计师|[济计影型筑药厨老]师|会计|律师|医生|护士|老师|警官|民警|法官|调解员|检察官"
    "|发言人|主持人|作家|诗人|歌手|画家|艺术家|选手|球员|队员|队长|前锋|后卫|门将|教练|主帅|记者|通讯员|实习生|摄影|作者|导演|演员|影星|明星|创始人|代表|委员|院士|博士|夫人|彩民|市民|村民|居民|网友|大师|领事|主管|理事|解说|推销员|保安|保洁|中介|房东|司机|护工|保姆|月嫂|家教|主播"
)
_TITLE = "(?:先生|女士|小姐|老师|经理|医生|大夫|护士|师傅|同学|阿姨|叔叔|大哥|大姐|总监|总经理|主任|律师|教授|警官|同志|太太|夫人|老板|总裁|校长|院长|局长|处长|科长|工程师|会计|教练|导演|女生|男士)"
_LAST = "".join(
    sorted(
        {
            each.rstrip("?")[-1]
            for each in "|".join(
                (_ROLES, _LOOSE_ROLES, _LABELS, _OFFICE, _PHRASES, _GREETINGS)
            ).split("|")
        }
    )
)
_FIRST = "".join(sorted({each[0] for each in COMPOUND.split("|")}))
# The surname first, then what stands before it: few characters are surnames, fewer after a cue.
_INTRODUCED = regex.compile(
    rf"(?<=[{_LAST}是为叫成改写填:,\s])(?={_SURNAME}|[{_FIRST}])"
    rf"(?<=(?P<sure>(?:{_ROLES})(?:姓名|名字|名称)?(?:是|为|叫|改为|改成|改|写|填)?[:\s]{{0,3}}"
    rf"|(?:{_LOOSE_ROLES}|{_LABELS})(?:姓名|名字|名称)?[是为叫:]\s{{0,2}}|(?:{_PHRASES})[:\s]{{0,2}})"
    rf"|(?:{_LOOSE_ROLES}|{_OFFICE})\s?|(?P<greeting>(?:{_GREETINGS}),?\s?))"
    rf"(?P<name>(?:{COMPOUND}){_HAN}{{1,2}}|{_PLACEHOLDER}|{_SURNAME}(?!{_TITLE}){_HAN}{{1,2}})"
)
_TITLED = regex.compile(
    rf"(?=[先女小老经医大护师同阿叔总主律教警太夫校院局处科工会导男])(?={_TITLE}(?!{_TITLE}|们))"
    rf"(?<=(?P<name>(?:{COMPOUND}){_HAN}{{0,2}}|{_PLACEHOLDER}|(?:(?<!{_HAN})|(?![{_WORDLIKE}])){_SURNAME}{_GIVEN}{{1,2}}|(?![{_WORDLIKE}]){_SURNAME}|(?<!{_HAN})(?![和于向连应祝成将]){_SURNAME}))"
)
_PARTICULARS = (
    r"(?:男|女|电话|手机|手机号|身份证|护照|微信|邮箱|住址|地址|联系|收|1[3-9][0-9]|[0-9]{17})"
)
_LISTED = regex.compile(
    rf"(?<!{_HAN})(?P<name>(?:{COMPOUND}){_HAN}{{1,2}}|{_PLACEHOLDER}|{_SURNAME}{_HAN}{{1,2}})(?:[\s,，、:：|/(（]{{1,2}}{_PARTICULARS}|(?=1[3-9][0-9]{{9}}(?![0-9])))"
)
# What a sentence goes on with after a name.
_VERBS = (
    "表示|认为|指出|介绍|告诉|透露|强调|称|坦言|说道|说|回忆|回应|解释|宣布|完成|申请|购买|确认|收到|签收|反映|来电|投诉|去了|去过|来了|来过|在|先生|女士|小姐|老师|您好|你好|做客|参加|出席|接受|执导|主演|饰演|出任|担任|获得|率领"
    "|带领|博士|教授|本人|收|一家|夫妇|父子|等人|等|委托|代表|诉称|来到|提到|谈到|得知|打来|打电话|发来|寄来|咨询|要求|提出|就诊|入院|入住|办理|登记|报案|一起|一块|开发票|开票|开具|付款|付的|下单|下的|买的|买了|签收|代收|代签|代付|拒收|用的|寄的|发的|送的|接的|打的|处理|跟进|负责|服务|回复|预订|预约|报名|注册|绑定|认证|实名|的|到了|到达|到访|逝世|去世|执教|上任|离任|出生|生于|日前|近日|昨日|今日|昨天|今天|目前|现任|接任|作品|笔下|夫人|主帅|也对|也在|估计|发自|没有|没收|不在|不理|一直|已经|这个|这样|本人|那里|那边|家|吗|呢|吧|了"
)
_LINKS = "的|和|与|跟|及|或|是|对|向|被|把|将|让|给|从|因|也|已|就|都|还|曾|又|则|以|于"
_FREE = regex.compile(
    rf"(?:(?<![\u4e00-\u9fff0-9])|(?P<link>(?<=[和与跟给让请找问由被把对向像及、同是用写叫替帮的如据](?!何))))"
    rf"(?P<name>(?:{COMPOUND}){_GIVEN}{{1,2}}(?={_LINKS}|{_VERBS}|[^\u4e00-\u9fff]|$)|(?:{_PLACEHOLDER})"
    rf"|(?<![\u4e00-\u9fff])(?!何){_COMMON}{_GIVEN}{{2}}(?!·)|(?![{_WORDLIKE}]){_SURNAME}{_GIVEN}{{2}}(?={_LINKS}|{_VERBS}|[^\u4e00-\u9fff·]|$)|(?<![的如据]){_COMMON}{_GIVEN}(?=(?P<verb>{_VERBS})|{_LINKS}|[^\u4e00-\u9fff·]|$))"
)
# What foreign names are written with.
_SOUND = "[阿艾爱安昂奥巴班邦贝本比彼宾波伯博布茨查昌达大戴丹当道德登邓迪蒂丁东杜顿多厄恩尔法凡范菲费芬丰弗福夫盖冈戈格根古瓜哈海汉豪赫亨洪胡华怀霍基吉加贾杰金京卡凯坎康考科可克肯库夸昆拉莱来赖兰朗劳雷勒黎历里理丽利莉莲廉列林琳龙隆卢鲁伦罗洛吕马玛迈麦曼芒梅门蒙米密明摩莫默姆穆纳娜南内尼涅宁纽农努诺欧帕潘庞培佩彭蓬皮平泼普奇齐恰钱强切琴丘琼让荣儒瑞若萨塞赛桑瑟沙莎山尚绍舍申圣施史舒朔丝斯松苏索塔泰坦汤唐陶特腾提廷汀图托瓦万旺威韦维魏温文翁沃乌武西希锡夏香肖谢辛欣休许雪逊雅亚延扬耶叶伊依因英尤于约云泽扎詹珍朱茱兹子佐埃俄娅蕾珊萝薇露芭芙妮黛菈罕隶]"
_FOREIGN = regex.compile(rf"(?<![·我])(?P<name>{_SOUND}{{2,6}}(?:·{_SOUND}{{1,6}}+){{1,3}}+)(?!·)")
# After a name the sentence goes on with one of these.
_AFTER = frozenset(
    "想要在的是和与已说申请买退换收寄下发电手住身地女男联购表认介告指透称道对从将则也就因被把让给去来做开等或及"
)
# Words that begin with a character that names end with.
_NEXT = regex.compile(
    "明天|明年|明确|明显|明明|明白|海外|国内|国外|国际|文件|平时|平台|建议|家里|家的|军训|飞机|生日|生病|成功|成为|成立|美国|英国|安排|以后|以前|以及|以为|以来|先生|先后|先发|子女|有关|有人|同时|同意|可以|可能|可否"
    "|若干|若是|小姐|来电|来信|来自|来到|来说|延迟|延期|开了|开始|开通|开户|开发|发货|发现|发表|发生|发来|正在|正式|常常|常务|长期|达到|达成|进行|进入|进一步|运费|运送|信息|信用|士兵|全部|全国|全家|全体|才能|才会|真的|实在|实习|光临|学习|学生|学历|永远"
    "|新的|新浪|新闻|高兴|高度|力挺|力争|亲自|亲手|亲口|爱上|爱情|荣获|喜欢|喜爱|善于|名下|言论|言行|友情|首次|首先|尊敬|尊重|致电|致力|致函|接|民警|本人|本次|本周|容易|良好|超过|超越|迎来|承认|承诺|承担|承租|征服|流露|流泪|通过|通知"
)
_NEVER = "的了吗呢吧啊哦是不这那哪么和在要想已你我他她它们没"


class ChineseName:
    """By what stands before, by title, in lists of particulars, or free in a sentence."""

    kind = "name"
    name = "cn_name"

    def find(self, view: View) -> Iterator[Match]:
        text = view.text
        if not _NEEDS.search(text):
            return
        done = 0
        for start, end in sorted(_spans(text).items()):
            if start >= done:
                done = end
                yield Match(start, end, text[start:end], 0.8)

    def open_from(self, view: View) -> int:
        """A name is decided a few characters after it."""
        text = view.text
        tail = max(0, len(text) - _HOLD)
        while tail < len(text) and not "\u4e00" <= text[tail] <= "\u9fff":
            tail += 1
        return tail


def _spans(text: str) -> dict[int, int]:
    """Starts and ends of the names; of those that begin together the surest."""
    found: dict[int, int] = {}
    for match in _INTRODUCED.finditer(text):
        start = match.start("name")
        end = _name_end(text, start, match.end("name"), is_sure=match["sure"] is not None)
        if match["sure"] is None and match["greeting"] is None and text[start] in _WORDLIKE:
            continue
        if end > start and (match["greeting"] is None or _stops(text, end)):
            found.setdefault(start, end)
    for match in _TITLED.finditer(text):
        if _is_name(match["name"], titled=True):
            found.setdefault(*match.span("name"))
    for match in _LISTED.finditer(text):
        if _is_name(match["name"]):
            found.setdefault(*match.span("name"))
    for match in _FREE.finditer(text):
        start, end = match.span("name")
        # Its last character may begin the next word: of 林涛开始 only two are a name.
        end -= end - start == _LONG and _NEXT.match(text, end - 1) is not None
        if _is_name(text[start:end]):
            found.setdefault(start, end)
    for match in _FOREIGN.finditer(text):
        found.setdefault(*match.span("name"))
    return found


def _name_end(text: str, start: int, end: int, *, is_sure: bool) -> int:
    """Where an introduced name ends; its start where there is none."""
    if regex.fullmatch(f"{COMPOUND}.{{1,2}}|{_PLACEHOLDER}", text[start:end]):
        return end
    surname = 2 if regex.match(COMPOUND, text[start:end]) else 1
    for length in (surname + 2, surname + 1):
        stop = start + length
        name = text[start:stop]
        if stop > end or not _is_name(name):
            continue
        if length == surname + 2 and (
            _NEXT.match(text, stop - 1) or (name[-1] in _AFTER and not _GIVEN_ONE.match(name[-1]))
        ):
            continue
        if all(_GIVEN_ONE.match(each) for each in name[surname:]) or (
            is_sure and _stops(text, stop)
        ):
            return stop
    return start


def _stops(text: str, end: int) -> bool:
    """Whether a name may end here: before a sign, or a word that goes on with the sentence."""
    return end >= len(text) or text[end] in _AFTER or _ENDS.match(text, end) is not None


def _is_name(name: str, *, titled: bool = False) -> bool:
    if len(name) == 1:
        return titled
    return not (
        name[:2] in words("cn_ordinary")
        or name in words("cn_ordinary")
        or any(each in _NEVER for each in name[1:])
    )


_NEEDS = regex.compile(_SURNAME)
_GIVEN_ONE = regex.compile(_GIVEN)
_ENDS = regex.compile(rf"[^\u4e00-\u9fff]|{_VERBS}|{_LINKS}")
# The longest foreign name, and what is read after a name.
_HOLD = 34
_LONG = 3

CN_NAME = ChineseName()
