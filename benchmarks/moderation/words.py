"""Forbidden words: disguises seen through, harmless texts left alone, messages per second."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.machine import Figure, figure, percentile
from benchmarks.moderation.samples import clean_questions
from moderation.words.defaults import default_lexicon
from moderation.words.levels import syllable
from moderation.words.lexicon import Level, Lexicon, Word
from moderation.words.matcher import WordMatcher

Disguise = Callable[[str], str]

_CARRIERS = (
    "Tell me, {} , will it come?",
    "I said {} to them",
    "这个{}，你们看到了吗",
    "客服 {} 在吗",
)
_GREEK = str.maketrans("aeopcyxiA", "аеорсухіА")
_TRADITIONAL = str.maketrans("网贩药买卖发门钱宝证贷赌国视频经", "網販藥買賣發門錢寶證貸賭國視頻經")
_LEET = str.maketrans("aeiost", "@31057")
_BOLD = {ord(c): 0x1D41A + i for i, c in enumerate("abcdefghijklmnopqrstuvwxyz")}
_CIRCLED = {ord(c): 0x24D0 + i for i, c in enumerate("abcdefghijklmnopqrstuvwxyz")}
_WIDE = {code: code + 0xFEE0 for code in range(33, 127)}
_ACCENTS = str.maketrans("aeiouc", "áëîöúç")


def _spelt(separator: str) -> Disguise:
    return lambda term: separator.join(term.replace(" ", ""))


FORMS: dict[str, Disguise] = {
    "as it is": str, "upper case": str.upper, "mixed case": str.title, "full width": lambda t: t.translate(_WIDE),
    "zero width": _spelt("\u200b"), "direction marks": _spelt("\u202e"), "variation selectors": _spelt("\ufe0f"),
    "bold": lambda t: t.translate(_BOLD), "circled": lambda t: t.translate(_CIRCLED), "accents": lambda t: t.translate(_ACCENTS),
}  # fmt: skip
GAPS: dict[str, Disguise] = {
    "spaces": _spelt(" "), "dots": _spelt("."), "dashes": _spelt("-"), "stars": _spelt("*"), "underscores": _spelt("_"),
    "emoji": _spelt("\U0001f600"), "twice": lambda t: "".join(each * 2 for each in t.replace(" ", "")),
    "three times": lambda t: "".join(each * 3 for each in t.replace(" ", "")), "homoglyphs": lambda t: t.translate(_GREEK),
    "traditional": lambda t: t.translate(_TRADITIONAL),
}  # fmt: skip
TRAPS = (
    "大麻烦 这是个大麻烦 地铁口交易 路口交通 出口交易 手机 他妈妈的手机 妈妈的鞋 操作 做操 草莓 日子 一次性交费 安全性交付 体操你会吗 端口交换 "
    "Scunthorpe analysis classic assess have shuttlecock Essex Sussex Middlesex Hancock cocktail Dickens therapist grape drape title "
    "assassin bass class pass mass glass grass embassy ambassador passion assume assign asset button butter constitution Matsushita "
    "shitake mishit Arsenal parsec canal banal analyst analog psychoanalysis cumin cumulative document circumstance peacock cockpit "
    "scrap scraper skyscraper snigger niggle raccoon cocoon tycoon spice spicy conspicuous suspicion hospice chinkapin homogeneous "
    "executive execute prostitute's substitute institution sextant sextet unisex smoking sm64 avocado have av-cable savour saver "
    "whorehouse's whorl pornographer's Bangkok gangway methane method something Kantian country account discount county "
    "自动 杀毒软件 赌气 枪手榴 发票 开票 换货 退货 高仿真 反洗钱 纯粹 室内射灯 打飞的"
)


def _sounding(term: str) -> str:
    return "".join(syllable(each) for each in term)


def evasions() -> list[Figure]:
    """Each default word in each disguise, in sentences of our own."""
    source = random.Random(5)
    words = [word for word in default_lexicon().words if not word.allowed]
    plain = WordMatcher(default_lexicon())
    strict = WordMatcher(default_lexicon(), frozenset({Level.LEET, Level.PINYIN}))
    sample = source.sample(words, 320)
    cases = 0

    def caught(matcher: WordMatcher, disguises: dict[str, Disguise], among: list[Word]) -> float:
        nonlocal cases
        hits = total = 0
        for word in among:
            for disguise in disguises.values():
                text = source.choice(_CARRIERS).format(disguise(word.term))
                hits += any(
                    match.term == word.term or match.category == word.category
                    for match in matcher.find(text)
                )
                total += 1
        cases += total
        return hits / total

    figures = [
        figure(
            "evasions: width, case, invisible, styles",
            "",
            [caught(plain, FORMS, sample)],
            at_least=0.995,
        ),
        figure(
            "evasions: separators, repeats, homoglyphs, traditional",
            "",
            [caught(plain, GAPS, sample)],
            at_least=0.99,
        ),
    ]
    han = [
        word
        for word in words
        if all(syllable(each) for each in word.term) and len(_sounding(word.term)) >= 4
    ]
    latin = [
        word
        for word in words
        if word.term.isascii()
        and set(word.term) & set("aeiost")
        and not set(word.term) & set("0123456789")
    ]
    figures += [
        figure(
            "evasions: pinyin (strict)",
            "",
            [caught(strict, {"pinyin": _sounding}, han)],
            at_least=0.9,
        ),
        figure(
            "evasions: leet (strict)",
            "",
            [caught(strict, {"leet": lambda t: t.translate(_LEET)}, latin)],
            at_least=0.9,
        ),
    ]
    traps = TRAPS.split()
    hits = sum(bool(plain.find(trap)) for trap in traps)
    return [
        figure("evasions: cases", "texts", [cases], at_least=3000),
        *figures,
        figure(f"look-alikes found ({len(traps)})", "texts", [hits], at_most=0),
    ]


def clean(data: Path) -> list[Figure]:
    """Real questions of customers that are hit by the default list."""
    matcher = WordMatcher(default_lexicon())
    texts = clean_questions(data)
    hits = sum(bool(matcher.find(text)) for text in texts)
    return [
        figure("clean questions", "texts", [len(texts)]),
        figure(
            "clean questions hit by the default list", "%", [100 * hits / len(texts)], at_most=0.1
        ),
    ]


def speed(data: Path | None) -> list[Figure]:
    """60,000 words, all always-on disguises, messages of 130 characters."""
    source = random.Random(9)
    if data is not None:
        # The largest public list, noise and all: nearly every second message is hit.
        lines = (data / "lexicons" / "zh_houbb_65k.txt").read_text("utf-8").splitlines()
        terms = source.sample([line for line in lines if 1 < len(line) <= 64], 60_000)
        rows = [
            json.loads(line)
            for line in (data / "zh_taobao_ecd" / "qa.jsonl").read_text("utf-8").splitlines()
        ]
        text = " ".join(str(row.get("question") or row.get("text")) for row in rows)
    else:
        terms = [
            "".join(chr(source.randrange(0x4E00, 0x9FA5)) for _ in range(4)) for _ in range(60_000)
        ]
        text = "您好，请问我的快递到哪里了？It should have come on Monday, 我等了三天了。" * 400
    begun = time.perf_counter()
    matcher = WordMatcher(Lexicon(tuple(Word(term, "other") for term in terms)))
    built = time.perf_counter() - begun
    messages = [text[at : at + 130] for at in range(0, min(len(text), 260_000) - 130, 130)]
    # Of this thread: per core, whatever else the machine does.
    rates = []
    seconds: list[float] = []
    for _ in range(3):
        started = time.thread_time()
        for message in messages:
            matcher.find(message)
        rates.append(len(messages) / (time.thread_time() - started))
    for message in messages:
        started = time.thread_time()
        matcher.find(message)
        seconds.append(time.thread_time() - started)
    hit = sum(bool(matcher.find(message)) for message in messages) / len(messages)
    source_name = "a public list" if data is not None else "words of random characters"
    return [
        figure(
            f"60,000 words ({source_name}): messages per second and core",
            "1/s",
            rates,
            at_least=20_000,
        ),
        figure("60,000 words: share of messages that are hit", "%", [100 * hit]),
        figure("60,000 words: one message, P99", "ms", [1000 * percentile(seconds, 99)], at_most=1),
        figure("60,000 words: building", "s", [built]),
    ]
