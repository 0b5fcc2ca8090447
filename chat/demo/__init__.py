"""The demo bot of a fictional shop, so that a new installation has something to talk to."""

import json
from pathlib import Path
from typing import Any

from chat.services.knowledge import Draft

NAME = "Lantern & Leaf"

INSTRUCTIONS = {
    "en": (
        "You are the assistant of Lantern & Leaf, an online shop for tea and table lamps. "
        "Answer in one to three short, friendly sentences. Delivery takes 2 to 4 working days "
        "and is free from 40 euros. Returns are possible within 30 days. "
        "If you do not know something, say so and offer to ask a person."
    ),
    "zh-hans": (
        "你是网店“灯与叶”的客服助手，本店出售茶叶和台灯。请用一到三句简短、友好的话回答。"
        "配送需要2到4个工作日，满40欧元免运费。30天内可以退货。"
        "如果不知道答案，请直接说明，并建议联系人工客服。"
    ),
}

WELCOME = {
    "en": "Hello! I am the assistant of Lantern & Leaf. What can I help you with?",
    "zh-hans": "您好！我是“灯与叶”的智能助手。请问有什么可以帮您？",
}

STARTER_QUESTIONS = {
    "en": [
        "How long does delivery take?",
        "Can I return an opened tea?",
        "Which lamp is good for reading?",
    ],
    "zh-hans": ["多久可以送到？", "打开过的茶可以退吗？", "哪款台灯适合看书？"],
}

PRODUCT_NAMES = [
    "Moonrise",
    "Heron",
    "Cloud Ridge Green",
    "Assam Drum",
    "Harbor Oolong",
    "Rooibos Sunset",
    "Chamomile Field",
    "Silver Needle",
    "Marzipan Black",
    "Two-Cup Pot",
    "月升",
    "鹭",
    "云岭绿茶",
    "阿萨姆鼓",
    "海港乌龙",
    "落日路易波士",
    "洋甘菊田野",
    "白毫银针",
    "杏仁糖红茶",
    "双杯壶",
]

JUDGED_ARTIFACT = "smollm2-135m-instruct-int4"
JUDGED = 60
RIGHT = {"en": 2, "zh-hans": 0}
"""How many of 60 answers of the embedded base model were right, before anybody fine-tuned it
(``manage.py calibrate_confidence --questions 60``): the demo bot offers similar questions instead."""

_FOLDER = Path(__file__).parent


def knowledge(locale: str) -> list[Draft]:
    """The shop's approved answers in one language."""
    return [
        Draft(
            questions=tuple(row["questions"]),
            text=row["answer"],
            key=row["key"],
            topic=row["topic"],
        )
        for row in _rows(f"knowledge.{locale}.jsonl")
    ]


def unanswered(locale: str) -> list[str]:
    """Questions that none of them answers, to calibrate with."""
    return [row["question"] for row in _rows(f"unanswered.{locale}.jsonl")]


def _rows(name: str) -> list[dict[str, Any]]:
    lines = (_FOLDER / name).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if line]
