"""Small policies for tests: a few words of ours, all recognisers, any rules."""

from moderation.default_rules import DEFAULT_RULES
from moderation.policy import Policy, Rules
from moderation.recognizers.base import Recognizer
from moderation.recognizers.catalog import STRUCTURED
from moderation.words.lexicon import Lexicon, Word

WORDS = (
    Word("plonker", "abuse"),
    Word("plonkerhood", "abuse"),
    Word("zorgite", "drugs"),
    Word("坏东西", "abuse"),
    Word("黑货", "drugs"),
    Word("黑货船", "", allowed=True),
    Word("help@shop.example", "", allowed=True),
    Word("+1 212 555 0100", "", allowed=True),
)


def policy(
    rules: Rules = DEFAULT_RULES,
    *,
    words: tuple[Word, ...] = WORDS,
    recognizers: tuple[Recognizer, ...] = STRUCTURED,
) -> Policy:
    return Policy.build(
        version="test", rules=rules, lexicon=Lexicon(words), recognizers=recognizers
    )
