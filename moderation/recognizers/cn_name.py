"""Chinese names: a surname and one or two characters, where the words around speak of a person."""

from collections.abc import Iterator

import regex

from moderation.normalization import View
from moderation.recognizers.base import Match

SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
    "温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫"
    "费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠荆乐冀郁胥南班储原栗燕楚鄢扶奚"
)
COMPOUND = "欧阳|上官|司马|诸葛|司徒|东方|皇甫|尉迟|公孙|慕容|令狐|宇文|长孙|夏侯|轩辕|端木|独孤|南宫|百里|东郭|申屠|太史|澹台"
# Ordinary words that begin like a name.
_WORDS = frozenset(
    [
        "高兴",
        "高级",
        "高速",
        "方便",
        "方法",
        "方式",
        "方面",
        "安全",
        "安装",
        "安排",
        "安心",
        "金额",
        "金币",
        "黄色",
        "黄金",
        "白色",
        "白天",
        "马上",
        "马桶",
        "时间",
        "时候",
        "和你",
        "和我",
        "和平",
        "任何",
        "任务",
        "应该",
        "应用",
        "连接",
        "连续",
        "全部",
        "全国",
        "全新",
        "成功",
        "成为",
        "成人",
        "包装",
        "包裹",
        "包括",
        "包邮",
        "关于",
        "关闭",
        "关系",
        "管理",
        "华为",
        "查询",
        "查看",
        "查找",
        "钱包",
        "钱款",
        "文件",
        "文字",
        "明天",
        "明白",
        "项目",
        "司机",
        "师傅",
        "万一",
        "简单",
        "简介",
        "车子",
        "车辆",
        "古代",
        "封面",
        "谈谈",
        "原因",
        "原来",
        "路上",
        "路由",
        "向你",
        "向我",
        "于是",
        "余额",
        "许多",
        "常用",
        "易用",
        "严重",
        "龙头",
        "石头",
        "毛病",
        "毛巾",
        "康复",
        "温度",
        "温馨",
        "武器",
        "尚未",
        "解决",
        "解释",
        "解除",
        "游戏",
        "游客",
        "单位",
        "单独",
        "单子",
        "单号",
        "曲线",
        "平台",
        "平时",
        "冷静",
        "冷门",
        "麻烦",
        "乐意",
        "乐趣",
        "边上",
        "南方",
        "班级",
        "储存",
        "江苏",
        "江西",
        "江南",
        "海南",
        "云南",
        "河南",
        "陕西",
        "山东",
        "田地",
        "谢谢",
        "谢了",
        "何时",
        "何种",
        "何处",
        "程序",
        "程度",
        "夏天",
        "夏季",
        "章节",
        "纪念",
        "童装",
        "童鞋",
        "宁愿",
        "左右",
        "左边",
        "苗条",
        "盛大",
        "蓝色",
        "蓝牙",
        "艾滋",
        "阳台",
        "阳光",
        "农业",
        "农村",
        "司法",
        "卓越",
        "吉祥",
        "席位",
        "米饭",
        "应付",
        "商品",
        "商家",
        "商店",
        "商城",
        "师范",
        "荣誉",
        "景区",
        "党员",
        "费用",
        "费率",
        "全款",
        "顾客",
        "顾问",
        "客服",
        "经理",
        "老师",
        "先生",
        "女士",
        "小姐",
        "会员",
        "用户",
        "卖家",
        "买家",
        "店家",
        "店长",
        "主任",
        "医生",
        "护士",
        "警察",
        "同学",
        "朋友",
        "快递",
        "物流",
        "白班",
        "高配",
        "高清",
        "高端",
        "高铁",
        "黄牛",
        "金牌",
        "马云们",
        "王者",
        "王牌",
        "张贴",
        "杨梅",
        "周末",
        "周一",
        "周二",
        "周三",
        "周四",
        "周五",
        "周六",
        "周日",
        "周边",
        "周围",
        "周期",
        "郑重",
        "梁上",
        "孔子们",
        "田园",
        "石油",
        "龙虾",
        "叶子",
        "方案",
        "方向",
        "水果",
        "安卓",
        "安静",
        "易碎",
        "尤其",
        "尤为",
        "甘愿",
        "祝你",
        "祝您",
        "祝愿",
        "祝福",
        "祝贺",
        "包含",
        "符合",
        "舒服",
        "舒适",
        "季度",
        "季节",
        "成交",
        "成本",
        "成都",
        "曲面",
        "管家",
        "管用",
        "华夏",
        "房子",
        "房东",
        "房间",
        "房产",
        "时长",
        "时刻",
        "司机",
        "古董",
        "吉他",
        "简直",
        "简易",
        "项链",
        "连锁",
    ]
)
# After a name the sentence goes on with one of these.
_AFTER = "想要在的是和与已说申请买退换收寄下发电手住身地女男联购，。,.;；:：！!？?、/|（( \t\n"

_BEFORE = (
    r"(?:姓名|名字|收件人|收货人|收货|收件|寄件人|联系人|联络人|签收人|购买人|持卡人|户名|开户名|开户人|投保人|被保险人|乘客|乘车人|客户|顾客|患者|病人|学生|家长|员工|负责人|法人|代表人|申请人|本人|业主|租客|房东|买家|用户|经办人|记者|作者|导演|演员|教练)"
    r"(?:姓名|名字|名称)?(?:是|为|叫|改为|改成|写|填)?[:：\s]{0,3}"
    r"|(?:我叫|我名叫|名叫|叫做|我的名字是|我的名字叫|名字是|名字叫|我姓名是|大名|他叫|她叫|儿子叫|女儿叫|老公叫|老婆叫|朋友叫|请找|转告|帮我找|抬头是|抬头写)[:：\s]{0,2}"
    r"|(?:我是|这里是|您好，|你好，|尊敬的|亲爱的)"
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
_WEAK = ("我是", "这里是", "您好，", "你好，", "尊敬的", "亲爱的")
_HOLD = 12


class ChineseName:
    """By context before, title after, or what a list of particulars goes on with."""

    kind = "name"
    name = "cn_name"

    def find(self, view: View) -> Iterator[Match]:
        text = view.text
        found: dict[int, Match] = {}
        for match in _INTRODUCED.finditer(text):
            weak = match[0].startswith(_WEAK)
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
    return name[:2] not in _WORDS and name not in _WORDS


CN_NAME = ChineseName()
