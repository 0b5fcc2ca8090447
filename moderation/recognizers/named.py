"""All recognisers of names and postal addresses: by dictionary and context, so never sure."""

from moderation.recognizers.base import Recognizer
from moderation.recognizers.cn_address import CN_ADDRESS
from moderation.recognizers.cn_name import CN_NAME
from moderation.recognizers.en_address import EN_ADDRESS
from moderation.recognizers.en_name import EN_NAME

NAMED: tuple[Recognizer, ...] = (CN_NAME, EN_NAME, CN_ADDRESS, EN_ADDRESS)
