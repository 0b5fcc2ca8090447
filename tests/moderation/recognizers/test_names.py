"""Names of people, and capitalised words that are none."""

import pytest

from moderation.normalization import plain
from moderation.recognizers.cn_name import CN_NAME
from moderation.recognizers.en_name import EN_NAME


def found(text: str) -> list[str]:
    view = plain(text)
    return sorted(
        text[slice(*view.span(match.start, match.end))]
        for each in (CN_NAME, EN_NAME)
        for match in each.find(view)
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("My name is Jane Doe.", ["Jane Doe"]),
        ("my name is jane doe", ["jane doe"]),
        ("im john smith and i need help", ["john smith"]),
        ("Please ask Dr. Brandt about it", ["Brandt"]),
        ("it was for María Fernanda López", ["María Fernanda López"]),
        ("Ship it to J. R. Whitcombe", ["J. R. Whitcombe"]),
        ("Kwame Mensah's account was closed", ["Kwame Mensah"]),
        ("I spoke with Oluwaseun Adeyemi and Tom I. Holt", ["Oluwaseun Adeyemi", "Tom I. Holt"]),
        ("Best regards,\nSiobhan O'Reilly", ["Siobhan O'Reilly"]),
        ("Hi Xiaoling, I have a question", ["Xiaoling"]),
        ("Customer: NGUYEN THI HOA", ["NGUYEN THI HOA"]),
        ("Please change it to Yusuf Al-Masri", ["Yusuf Al-Masri"]),
        ("Signed by Ludwig van der Berg", ["Ludwig van der Berg"]),
        ("the novel by Korhonen", ["Korhonen"]),
        ("Have you met Virtanen or Jóhannsdóttir?", ["Jóhannsdóttir", "Virtanen"]),
        ("John Smith Jr. called", ["John Smith Jr."]),
        ("客户Li Wei说没收到", ["Li Wei"]),
        ("The booking is for Ravindra Kulkarni", ["Ravindra Kulkarni"]),
        ("Zübeyde Arslan here, any news?", ["Zübeyde Arslan"]),
        ("the holder should be Ute Brinkschulte", ["Ute Brinkschulte"]),
        ("name is tom holt thanks", ["tom holt"]),
        ("account name robert whitfield phone number to follow", ["robert whitfield"]),
        ("i like calvin klein", []),
        ("The account of Smith and Sons", []),
    ],
)
def test_names_in_latin_script(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("我叫张伟想退货", ["张伟"]),
        ("收件人：欧阳明月，电话", ["欧阳明月"]),
        ("麻烦找李女士", ["李"]),
        ("赵敏女士已确认，诸葛明先生没有", ["诸葛明", "赵敏"]),
        ("张三和李四都没收到", ["张三", "李四"]),
        ("李国强要求退款", ["李国强"]),
        ("客户林涛完成实名认证", ["林涛"]),
        ("转给陈明辉，13812345678", ["陈明辉"]),
        ("王芳13812345678", ["王芳"]),
        ("记者杨莉通讯员王媛", ["杨莉", "王媛"]),
        ("寄给玛丽·安托瓦内特，我爱她", ["玛丽·安托瓦内特"]),
        ("帮赵明月开发票，别写钱伟国的名字", ["赵明月", "钱伟国"]),
        ("用孙小梅的身份证，和周建华一起下的单", ["周建华", "孙小梅"]),
        ("林涛开始查件", ["林涛"]),
        ("班主任李老师", ["李"]),
        ("“克里斯·埃文斯”是谁", ["克里斯·埃文斯"]),
    ],
)
def test_chinese_names(text: str, names: list[str]) -> None:
    assert found(text) == sorted(names)


@pytest.mark.parametrize(
    "text",
    [
        "Can May orders wait until April?", "Will Grace periods apply?", "Thank You Very Much",
        "Does Samsung Galaxy S24 support Google Pay?", "Can I use Apple Pay in New Zealand?", "Dear Customer Service Team,",
        "Is the Dyson V15 in stock at Best Buy?", "Hi Support, hello there", "Rate HDFC ERGO", "Black Friday Deals",
        "how many miles per gallon, may i ask", "my friend said no",
        "the Calvin Klein Jacket", "My Vera Bradley never arrived", "Is Harley Davidson cheaper?", "flights to San Francisco", "a Madison Sofa", "covered under Basic Plan",
        "高兴收到你们的回复", "马上发货吗", "我是想问一下", "顾客连优惠都没有", "安全的支付方式", "黄山风景区很漂亮", "华为和小米", "包月的费用",
        "和总经理说一下", "万能的客服", "金色和白色", "如何新建和修改", "子用户和协作者", "用金色的那款",
    ],
)  # fmt: skip
def test_ordinary_words_are_nobody(text: str) -> None:
    assert found(text) == []
