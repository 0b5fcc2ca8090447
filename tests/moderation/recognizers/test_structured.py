"""Numbers and addresses with a shape: found however they are written, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.normalization import plain
from moderation.recognizers.catalog import STRUCTURED
from moderation.recognizers.named import NAMED

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=120)
NUMBERS = st.text(st.sampled_from("0123456789 -.+()@一三八Xx１②\n订单号电话abc:/"), max_size=60)


def found(text: str) -> set[tuple[str, str]]:
    """Kinds and the text of each match."""
    view = plain(text)
    return {
        (each.kind, text[slice(*view.span(match.start, match.end))])
        for each in STRUCTURED
        for match in each.find(view)
    }


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("打13812345678给我", "phone", "13812345678"),
        ("拨打13812345678一下", "phone", "13812345678"),
        ("电话（138）1234-5678", "phone", "（138）1234-5678"),
        ("+86 138 1234 5678", "phone", "+86 138 1234 5678"),
        ("一三八一二三四五六七八", "phone", "一三八一二三四五六七八"),
        ("1三8 1二34 5六78", "phone", "1三8 1二34 5六78"),
        ("1️⃣3️⃣8️⃣12345678", "phone", "1️⃣3️⃣8️⃣12345678"),
        ("座机021-58881234", "phone", "021-58881234"),
        ("call (312) 555-0147 now", "phone", "(312) 555-0147"),
        ("+49 30 901820", "phone", "+49 30 901820"),
        ("my number is 555 0147 22", "phone", "555 0147 22"),
        ("11010519491231002X", "id_number", "11010519491231002X"),
        ("110105 19491231 002x", "id_number", "110105 19491231 002x"),
        ("4111 1111 1111 1111", "card", "4111 1111 1111 1111"),
        ("六二二二零二一二三四五六七八九四", "card", "六二二二零二一二三四五六七八九四"),
        ("91350100M000100Y43", "company_id", "91350100M000100Y43"),
        ("京A12345在楼下", "plate", "京A12345"),
        ("粤B·D12345", "plate", "粤B·D12345"),
        ("护照号E12345678", "passport", "E12345678"),
        ("加微信：shop_ann88", "wechat", "shop_ann88"),
        ("我QQ是123456789", "qq", "123456789"),
        ("Ann.B+x@mail.example.com,", "email", "Ann.B+x@mail.example.com"),
        ("ann at mail dot com", "email", "ann at mail dot com"),
        ("ann[at]mail[dot]com", "email", "ann[at]mail[dot]com"),
        ("GB82 WEST 1234 5698 7654 32 please", "iban", "GB82 WEST 1234 5698 7654 32"),
        ("SSN 123-45-6780", "ssn", "123-45-6780"),
        ("12345678Z", "national_id", "12345678Z"),
        ("from 203.0.113.7", "ip", "203.0.113.7"),
        ("2001:db8::7", "ip", "2001:db8::7"),
        ("00:1A:2b:3C:4d:5E", "device_id", "00:1A:2b:3C:4d:5E"),
        ("https://ann:s3cret@host.example/", "credential", "ann:s3cret"),
        ("https://host.example/?token=abcdef12", "credential", "abcdef12"),
        ("密码是hunter2!", "credential", "hunter2"),
    ],
)
def test_each_kind_is_found_in_full(text: str, kind: str, value: str) -> None:
    assert (kind, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "订单13812345678到哪了", "运单号 13812345678", "order number 13812345678", "tracking no. 1381234567890",
        "110105194912310021", "4111 1111 1111 1112", "12345678901234567890", "客服热线400-820-1234", "拨打10086",
        "SF1234567890123", "A13812345678", "13812345678.50", "2024-09-12 12:30", "version 1.2.3.4", "¥13,812.34",
        "ISBN 978-3-16-148410-0", "the password is wrong", "look at shop dot", "SKU 1234-567-890", "2 at 5", "买3件", "GB82 WEST 1234",
    ],
)  # fmt: skip
def test_other_numbers_stay_untouched(text: str) -> None:
    assert found(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "Where is my parcel? 13812345678",
        "It was about an order. 13812345678 is where I am.",
        "我的订单到哪了？13812345678",
        "包裹是快递；13812345678",
    ],
)
def test_a_word_of_the_sentence_before_numbers_no_order(text: str) -> None:
    assert ("phone", "13812345678") in found(text)


def test_an_abbreviation_ends_no_sentence() -> None:
    assert found("My order no. 13812345678") == set()


@pytest.mark.parametrize("separator", ["\n", " ", "\u200b"])
def test_a_number_in_two_parts_is_one_number(separator: str) -> None:
    assert ("phone", f"13812{separator}345678") in found(f"13812{separator}345678")


def test_two_sentences_are_no_number() -> None:
    assert found("It begins with 110101. 199003074610 is the rest.") == set()


@given(ANY_TEXT | NUMBERS)
def test_no_text_is_too_strange(text: str) -> None:
    view = plain(text)
    for each in (*STRUCTURED, *NAMED):
        end = 0
        for match in each.find(view):
            assert end <= match.start < match.end <= len(view.text)
            end = match.end
        assert 0 <= each.open_from(view) <= len(view.text)


@given(NUMBERS, NUMBERS)
def test_what_stands_before_the_open_part_is_decided(before: str, after: str) -> None:
    """More text changes nothing there: the promise that streams rely on."""
    first, whole = plain(before), plain(before + after)
    for each in STRUCTURED:
        decided = each.open_from(first)
        early = {(m.start, m.end) for m in each.find(first) if m.start < decided}
        late = {(m.start, m.end) for m in each.find(whole) if m.start < decided}
        assert early == late, each.name
