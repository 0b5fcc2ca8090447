"""Names and postal addresses, where the words around speak of them."""

import pytest

from moderation.normalization import plain
from moderation.recognizers.named import NAMED


def found(text: str) -> set[tuple[str, str]]:
    view = plain(text)
    return {
        (each.kind, text[slice(*view.span(match.start, match.end))])
        for each in NAMED
        for match in each.find(view)
    }


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("我叫张伟想退货", "name", "张伟"),
        ("收件人：欧阳明月，电话", "name", "欧阳明月"),
        ("麻烦找李女士", "name", "李"),
        ("My name is Jane Doe.", "name", "Jane Doe"),
        ("my name is jane doe", "name", "jane doe"),
        ("Please ask Dr. Brandt about it", "name", "Brandt"),
        ("it was for María Fernanda López", "name", "María Fernanda López"),
        (
            "寄到浙江省杭州市西湖区文三路120号3幢502室",
            "address",
            "浙江省杭州市西湖区文三路120号3幢502室",
        ),
        ("I live at 12 Baker Street, London NW1 6XE", "address", "12 Baker Street, London NW1 6XE"),
        ("Hauptstraße 7 is closed", "address", "Hauptstraße 7"),
        ("send it to P.O. Box 1234", "address", "P.O. Box 1234"),
    ],
)
def test_people_and_places_are_found(text: str, kind: str, value: str) -> None:
    assert (kind, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "高兴收到你们的回复", "马上发货吗", "我是想问一下", "顾客连优惠都没有", "Can May orders wait until April?", "Will Grace periods apply?",
        "Thank You Very Much", "北京有门店吗", "这条路怎么走", "I have 2 Apple Watch bands", "3 days ago",
    ],
)  # fmt: skip
def test_ordinary_words_are_nobody(text: str) -> None:
    assert found(text) == set()
