"""Text that tries to speak to the model as if it were not the customer's.

Control tokens of chat templates are defused: a text that holds them could pretend to be
another role. The shapes of known attacks are only scored: the score is advice for people,
never the guard. What protects is that the bot has no tools, no authority and no secrets.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import regex

from moderation.normalization import folded, plain

CONTROL_TOKEN = "control_token"  # noqa: S105 - a category, no secret
ATTACK = "attack"

# <|im_start|>, <start_of_turn>, [INST], <<SYS>>, <s>: the markers of all chat templates.
_CONTROL = regex.compile(
    r"<\s?[|｜]\s?[\w▁ -]{1,40}\s?[|｜]\s?>"
    r"|</?(?:s|bos|eos|pad|unk|think|tool_call|tool_response|start_of_turn|end_of_turn)>"
    r"|\[/?(?:INST|SYS|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS)\]"
    r"|<</?SYS>>",
    regex.IGNORECASE,
)

# Each: what it is, how much it weighs alone, its shape in the folded form.
_SHAPES: tuple[tuple[str, float, "regex.Pattern[str]"], ...] = tuple(
    (name, weight, regex.compile(pattern))
    for name, weight, pattern in (
        (
            "override",
            0.9,
            (
                r"\b(?:ignor\w{0,4}|disregard\w{0,3}|forget\w{0,4}|overrid\w{1,4}|bypass\w{0,3})\W{1,3}(?:\w{1,12}\W{1,3}){0,4}?"
                r"(?:instruction|prompt|rule|guideline|direction|command|polic|restriction|programming|filter|context)"
            ),
        ),
        (
            "override",
            0.9,
            r"(?:忽略|无视|忘记|忘掉|抛开|不要理会|跳过|绕过|推翻)[^。！？!?\n]{0,12}(?:指令|指示|提示|规则|规定|限制|设定|要求|命令|对话|内容)",
        ),
        (
            "disclosure",
            0.8,
            (
                r"\b(?:show|reveal|print|repeat|output|tell|give|display|leak|share|what\W{1,3}(?:is|are|were))\b\W{1,3}(?:\w{1,12}\W{1,3}){0,5}?"
                r"(?:system\W{1,3}(?:prompt|message|instruction)|initial\W{1,3}(?:prompt|instruction)|(?:your|hidden|secret)\W{1,3}(?:prompt|instructions?|rules))"
            ),
        ),
        (
            "disclosure",
            0.8,
            r"(?:显示|告诉|输出|打印|重复|复述|泄露|说出|透露)[^。！？!?\n]{0,12}(?:系统提示|提示词|初始指令|系统指令|隐藏指令|内部指令|系统设定)",
        ),
        (
            "persona",
            0.8,
            (
                r"\b(?:you\W{1,3}(?:are|re|will)\W{1,3}(?:now|going\W{1,3}to\W{1,3}(?:be|act))|from\W{1,3}now\W{1,3}on\W{1,3}you|pretend\W{1,3}(?:to\W{1,3}be|you|that\W{1,3}you)"
                r"|act\W{1,3}as\W{1,3}(?:if|an?\b|my\b)|role\W{0,3}play|simulate\W{1,3}an?)\b"
            ),
        ),
        (
            "persona",
            0.7,
            r"(?:你现在是|从现在(?:开始|起)[，,]?你|假装你|假设你是|扮演|你将扮演|请你充当|模拟一个)",
        ),
        (
            "unlock",
            0.9,
            (
                r"\b(?:jailbreak\w{0,4}|do\W{1,3}anything\W{1,3}now|developer\W{1,3}mode|god\W{1,3}mode|dan\W{1,3}mode"
                r"|(?:no|without|free\W{1,3}(?:of|from)|unbound\W{1,3}by)\W{1,3}(?:\w{1,12}\W{1,3}){0,3}?(?:restrictions?|limitations?|filters?|censorship|guidelines|morals?|ethic\w{0,4})"
                r"|unfiltered|uncensored|amoral|hypothetical\W{1,3}(?:response|story|world))\b"
            ),
        ),
        (
            "unlock",
            0.9,
            r"(?:越狱|开发者模式|上帝模式|没有任何?(?:限制|约束|道德)|不受(?:任何)?(?:限制|约束|道德)|无(?:限制|审查|道德)模式|解除限制)",
        ),
        (
            "role_marker",
            0.7,
            r"(?:^|\n)\W{0,6}(?:system|assistant|developer|系统|助手)\W{0,3}[:：]|###\s{0,2}(?:instruction|system|response)|\"role\"\s{0,2}:",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Shape:
    """One suspicious span of the original text, and how sure it is, from 0 to 1."""

    start: int
    end: int
    name: str
    score: float


def find(text: str) -> Iterator[Shape]:
    """Control tokens, then at most one attack: the union of all its shapes."""
    view = plain(text)
    for match in _CONTROL.finditer(view.text):
        start, end = view.span(match.start(), match.end())
        yield Shape(start, end, CONTROL_TOKEN, 1.0)
    if (attack := _attack(text)) is not None:
        yield attack


def neutralized(piece: str) -> str:
    """A control token as plain words: what it says stays, what it does to a template goes."""
    words = "".join(each if each.isalnum() or each == "_" else " " for each in plain(piece).text)
    return f"({' '.join(words.split())})"


def _attack(text: str) -> Shape | None:
    """All shapes together. Independent signs add up: two weak ones are a strong one."""
    view = folded(text)
    spans: list[tuple[int, int]] = []
    doubts: dict[str, float] = {}
    for name, weight, pattern in _SHAPES:
        if (match := pattern.search(view.text)) is not None:
            spans.append(match.span())
            doubts[name] = min(doubts.get(name, 1.0), 1.0 - weight)
    if not spans:
        return None
    doubt = 1.0
    for each in doubts.values():
        doubt *= each
    start, _ = view.span(*min(spans))
    _, end = view.span(*max(spans, key=lambda span: span[1]))
    return Shape(start, end, ATTACK, round(1.0 - doubt, 3))
