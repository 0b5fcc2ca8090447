"""What is done to see through the disguises of :class:`moderation.words.lexicon.Level`."""

import functools
import re
from collections.abc import Iterator

from moderation.normalization import View
from moderation.words.forms import MappedForm, joined

# 1 and ! stand for i as often as for l: both are tried.
_LEET = {"@": "a", "4": "a", "8": "b", "(": "c", "3": "e", "6": "g", "9": "g", "#": "h", "0": "o"}
_LEET |= {"5": "s", "$": "s", "7": "t", "+": "t", "2": "z", "|": "l", "€": "e", "£": "l", "¥": "y"}
_LEET_VARIANTS = ({**_LEET, "1": "i", "!": "i"}, {**_LEET, "1": "l", "!": "l"})
_LEET_LIKELY = re.compile(r"[a-z][@4836905$7+2|1!(#€£]|[@4836905$7+2|1!(#€£][a-z]")

# Characters written as their parts, side by side, before the character.
_SPLITS = (
    "弓虽强 女干奸 氵去法 三去法 车仑轮 耳又取 木又权 女马妈 口巴吧 亻尔你 人尔你 牛勿物 月旦胆 言只识 讠正证 "
    "马奇骑 木仓枪 火暴爆 火乍炸 弓单弹 歹匕死 尸比屁 米分粉 氵每海 毒口品 贝者赌 贝专赙 貝者賭 口乞吃 木几机 "
    "日月明 不正歪 女子好 白勺的 禾口和 亻言信 钅戋钱 金戋钱 彳亍行 土也地 亻乍作 扌丁打 扌殳投 礻申神 讠兑说 "
    "讠乍诈 马扁骗 女支妓 女昌娼 米青精 阝月阴 阴艹茎 月工肛 月长胀 女票嫖 氵它沱 犭句狗 犭者猪 虫旦蛋 口尸吊 "
    "又鸟鸡 女乃奶 口交咬 白痴痴 疒知痴 亻夋俊 忄生性 小生性 十办协 歹又夕 禾重种 尸吊屌 尸穴屄 尸求毬 入肉肏 "
    "口乌鸣 氵主注 氵工江 氵泽泽 羊毛毡 言午许 讠午许 王见现 糸工红 纟工红 艹早草 艹化花 艹午苦 木对树 "
    "讠舌话 讠果课 讠吾语 讠青请 讠己记 讠寸讨 讠殳设 讠身谢 氵由油 氵青清 氵可河 氵胡湖 氵台治 钅艮银 钅同铜 钅肖销 钅监鉴 木黄横 木目相 木反板 木白柏 女口如 女某媒 女因姻 口曷喝 口昌唱 "
    "扌戈找 扌发拨 扌巴把 扌是提 扌臽掐 扌由抽 扌安按 亻也他 亻门们 亻牛件 亻介价 亻寺侍 亻专传 亻弋代 亻壬任 亻二仁 禾斗科 禾火秋 禾兑税 火丁灯 火尧烧 米唐糖 饣反饭 饣官馆 虫工虹 虫马蚂 "
    "月巴肥 月土肚 贝反贩 贝戋贱 贝武赋 贝勾购 车俞输 石皮破 马户驴 马累骡 犭苗猫 犭良狼 疒丙病 疒冬疼 阝车阵 阝示际 忄青情 忄每悔 忄亡忙 纟且组 纟冬终 弓长张 目艮眼 刂害割 衤皮被 衤库裤 "
    "礻土社 礻兄祝"
)
_SPLIT = {entry[:2]: entry[2] for entry in _SPLITS.split() if len(entry) == 3}
_SPLIT_PARTS = re.compile("|".join(map(re.escape, _SPLIT)))


def leet(view: View) -> Iterator[MappedForm]:
    """Readings in which digits and symbols beside letters are letters."""
    if _LEET_LIKELY.search(view.text):
        for replacements in _LEET_VARIANTS:
            yield joined(view, replacements)


def whole(view: View) -> Iterator[MappedForm]:
    """The reading in which characters that were taken apart are whole again."""
    if not _SPLIT_PARTS.search(view.text):
        return
    characters: list[str] = []
    spans: list[tuple[int, int]] = []
    position = 0
    while position < len(view.text):
        pair = view.text[position : position + 2]
        width = 2 if pair in _SPLIT else 1
        characters.append(_SPLIT.get(pair, view.text[position]))
        spans.append(view.span(position, position + width))
        position += width
    yield MappedForm("".join(characters), tuple(spans))


@functools.lru_cache(maxsize=30_000)
def syllable(character: str) -> str:
    """The most usual pinyin of one Chinese character, without its tone; empty for others."""
    from pypinyin import Style, lazy_pinyin

    if not "\u3400" <= character <= "\u9fff":
        return ""
    (reading,) = lazy_pinyin(character, style=Style.NORMAL, errors="ignore") or ("",)
    return str(reading).replace("ü", "v")


def sounds(view: View) -> tuple[MappedForm, list[bool], list[bool]]:
    """The text as it sounds: the form, and for each of its letters whether it begins a
    character of the view and whether it was written in Latin letters."""
    letters: list[str] = []
    spans: list[tuple[int, int]] = []
    begins: list[bool] = []
    latin: list[bool] = []
    for index, character in enumerate(view.text):
        if sound := syllable(character):
            span = view.span(index, index + 1)
            letters += sound
            spans += [span] * len(sound)
            begins += [True] + [False] * (len(sound) - 1)
            latin += [False] * len(sound)
        elif character.isalnum():
            letters.append(character)
            spans.append(view.span(index, index + 1))
            begins.append(True)
            latin.append(character.isascii())
        elif character != " ":
            letters.append("\n")
            spans.append(view.span(index, index + 1))
            begins.append(True)
            latin.append(False)
    return MappedForm("".join(letters), tuple(spans)), begins, latin
