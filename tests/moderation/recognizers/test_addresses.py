"""Postal addresses as they are written in many countries, from the first line to the last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.normalization import plain
from moderation.recognizers.cn_address import CN_ADDRESS
from moderation.recognizers.en_address import EN_ADDRESS
from moderation.recognizers.named import NAMED


def found(text: str) -> list[str]:
    view = plain(text)
    return [
        text[slice(*view.span(match.start, match.end))]
        for each in (CN_ADDRESS, EN_ADDRESS)
        for match in each.find(view)
    ]


@pytest.mark.parametrize(
    "address",
    [
        "12 Baker Street, London NW1 6XE", "221B Baker Street", "1234 Maple Dr Apt 5B, Springfield, IL 62704-1234",
        "1600 Pennsylvania Ave NW, Washington, DC 20500", "350 Fifth Avenue, 34th Floor, New York, NY 10118",
        "Unit 5, 27 Smith Street, Fitzroy VIC 3065", "12 Oak Lane\nSpringfield, IL 62704", "45 Elm Grove\nSuite 3\nLeeds\nUnited Kingdom",
        "18 rue de la Paix, 75002 Paris, France", "Lindenallee 14, 50968 Köln", "Wiener Straße 3/12, 1010 Wien", "Calle de Alcalá 45, 3º B, 28014 Madrid",
        "Via Garibaldi 12, 20121 Milano MI, Italia", "Av. Paulista, 1578 - Bela Vista, São Paulo - SP, 01310-200", "Kungsgatan 12, 111 35 Stockholm",
        "ul. Marszałkowska 10/5, 00-590 Warszawa, Polska", "Keizersgracht 123-2, 1015 CJ Amsterdam, Netherlands", "Mannerheimintie 5, 00100 Helsinki",
        "Váci utca 8, 1052 Budapest", "Długa 5/3\n31-147 Kraków\nPoland", "P.O. Box 1234", "PO Box 8871, Auckland 1142",
        "PSC 123, Box 4567\nAPO AE 09012", "the corner of 5th Avenue and Main Street",
        "Ludwig-Thoma-Straße 9b, 80331 München", "Corso Dante 12, Appartamento 3, 10121 Torino (TO)", "H.No. 82, Gandhi Road, Meerut-250001", "14/2, Nehru Nagar, Pune 411018",
        "Kerksteeg 8\n2311 CX\nLeiden", "12, rue Victor Hugo\n37000 Tours", "Rua do Sol, 45, Centro, 20040-002 Niterói / RJ",
        "浙江省杭州市西湖区文三路120号3幢502室", "北京市朝阳区望京街道阜通东大街6号院3号楼1203室", "海淀区中关村南大街5号",
        "湖北省武汉市洪山区珞喻路1037号华中大学韵苑学生公寓12栋305", "安徽省阜阳市颍上县十八里铺镇宋洋村12组", "山西省大同市平城区迎宾街G座 037008",
    ],
)  # fmt: skip
def test_addresses_are_found_whole(address: str) -> None:
    assert found(f"My address is {address}.") == [address]
    assert found(f"我的地址是{address}，谢谢") == [address]


@pytest.mark.parametrize("lead", ["寄到", "请帮我改到", "我住在", "送到", "发", "这个", "地址改成"])
def test_what_leads_to_an_address_is_no_part_of_it(lead: str) -> None:
    assert found(f"{lead}成都市武侯区天府大道中段530号，谢谢") == ["成都市武侯区天府大道中段530号"]


@pytest.mark.parametrize(
    "text",
    [
        "北京有门店吗", "这条路怎么走", "省市区路号", "I have 2 Apple Watch bands", "3 days ago", "Model 300 Drive, 500 GB Hard Drive",
        "I need 2 Large Square boxes and 3 Round Plates", "a 24 hour service", "the card ending 1234 expires 12/26", "from 5 Pay 7,53,609",
    ],
)  # fmt: skip
def test_other_numbers_are_no_addresses(text: str) -> None:
    assert found(text) == []


def test_the_line_after_an_address_is_no_part_of_it() -> None:
    assert found("Hauptstraße 7, 60313 Frankfurt\nTelefon: 069") == [
        "Hauptstraße 7, 60313 Frankfurt"
    ]


PIECES = st.lists(
    st.sampled_from(
        ["Anna", "Smith", "Dr. ", "12", "Baker", "Street", ", ", ". ", "\n", " ", "London", "NW1 6XE", "lives at", "rue de ", "Paix", "75002", "Apt 5", "J.", "'s", "name is", "张伟", "先生", "收件人", "：", "，", "和", "的", "北京市", "朝阳区", "建国路", "88号", "A座", "寄到"]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@given(PIECES, PIECES)
def test_what_stands_before_the_open_part_is_decided(before: str, after: str) -> None:
    first, whole = plain(before), plain(before + after)
    for each in NAMED:
        decided = each.open_from(first)
        early = {(m.start, m.end) for m in each.find(first) if m.start < decided}
        late = {(m.start, m.end) for m in each.find(whole) if m.start < decided}
        assert early == late, each.name
