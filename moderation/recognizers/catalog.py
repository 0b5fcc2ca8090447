"""All recognisers of structured personal data."""

from moderation.recognizers.base import Recognizer
from moderation.recognizers.card import CARD
from moderation.recognizers.cn_documents import (
    COMPANY_CODE,
    OLD_RESIDENT_ID,
    PASSPORT,
    PLATE,
    RESIDENT_ID,
)
from moderation.recognizers.cn_phone import CN_LANDLINE, CN_MOBILE
from moderation.recognizers.email import EMAIL, SPELT_EMAIL
from moderation.recognizers.iban import IBAN
from moderation.recognizers.messenger import QQ, WECHAT
from moderation.recognizers.national_id import NATIONAL_IDS
from moderation.recognizers.network import IMEI, IP_V4, IP_V6, MAC, PASSWORD, URL_SECRET, URL_USER
from moderation.recognizers.phone import SAID, SHAPED, WITH_COUNTRY
from moderation.recognizers.us_ssn import SSN

STRUCTURED: tuple[Recognizer, ...] = (
    CN_MOBILE,
    CN_LANDLINE,
    WITH_COUNTRY,
    SHAPED,
    SAID,
    RESIDENT_ID,
    OLD_RESIDENT_ID,
    CARD,
    COMPANY_CODE,
    PLATE,
    PASSPORT,
    WECHAT,
    QQ,
    EMAIL,
    SPELT_EMAIL,
    IBAN,
    SSN,
    *NATIONAL_IDS,
    IP_V4,
    IP_V6,
    MAC,
    IMEI,
    URL_USER,
    URL_SECRET,
    PASSWORD,
)
