"""What stands around a person's name in English, read from the name: before it and after it."""

import regex

from moderation.recognizers.dictionaries import words

RELATIVE = (
    "wife|husband|spouse|son|daughter|kid|child|brother|sister|mother|father|mom|mum|dad|friend|boss|colleague|neighbou?r|cousin"
    "|nephew|niece|uncle|aunt|partner|girlfriend|boyfriend|fianc[eé]e?|room-?mate|flatmate|assistant|lawyer|secretary|landlord|tenant"
    "|(?:great[ -])*grand(?:mother|father|son|daughter|pa|ma)"
)
_ROLE = (
    "card ?holder|account holder|policy ?holder|customer|client|recipient|applicant|patient|employee|tenant|beneficiary|passenger|guest|payee"
    "|sender|owner|buyer|seller|consignee|addressee|contact(?: person)?|insured|driver|traveller|traveler|student|member|holder|attn|attention|witness|spouse"
)
_TITLE = (
    r"mrs?|ms|miss|mx|dr|prof(?:essor)?|sir|madam|herr|frau|mme|mlle|m\.? et mme|se[nñ]or(?:a|ita)?|sig(?:nora)?|sra?|doctor|captain|capt|rev(?:erend)?"
    "|judge|officer|nurse|don|do[nñ]a|monsieur|madame"
)
_INTRODUCTION = regex.compile(
    rf"(?ri)(?<![\p{{L}}\p{{N}}])(?:"
    rf"names?(?:'s| is| was| as|\s?[:?=])|(?:i|he|she|they|who) (?:am|is|was|are) (?:called|named)|(?:{RELATIVE}),? (?:was |is )?(?:called|named)|named after"
    rf"|(?:my|his|her|our|their|your) (?:\p{{L}}{{2,10}} )?(?:{RELATIVE}),?"
    rf"|signed(?: by)?|(?:sincerely|truly|faithfully|respectfully|regards|wishes|cheers|yours|best|thanks|thank you),?\s{{0,2}}"
    rf"|(?:{_TITLE})\.?|(?:{_ROLE}|name|signature|from|to)\s?[:|]|(?:{_ROLE}) name"
    rf"|(?:speak|speaking|spoke|spoken|talk|talked|talking|chat|chatted|chatting) (?:to|with)|ask(?:ed)? for|(?:call|calls|called) (?:me|him|her)|goes by"
    rf"|attn|(?:behalf|care|parents?) of|c/o|married to|i,"
    rf")[\s\"“*|>]{{1,6}}"
)
_HINT = regex.compile(
    r"(?ri)(?<![\p{L}\p{N}])(?:hi|hello|hey|hiya|dear|good (?:morning|evening|afternoon|day)|ciao|hola|bonjour|hallo|welcome|this is|it'?s|it is|here is|i'?m|i am|meet|met|tell|told"
    r"|asked|thanks|thank you|(?:written|sung|signed|sold|delivered|sent|made|helped|called|told|answered|owned|composed|directed|received|accepted|collected) by|addressed to|named|called|contacted|emailed|phoned|texted|agent|manager|technician|representative|rep|colleagues|kids|children|add|cancel|remove|contact|notify|inform|invite|(?:booking|reservation|appointment|order|parcel|package|delivery|account|policy|ticket|refund|table|room|card|seat|invoice) (?:is |was |made )?(?:for|under|of)|(?:is|booked|reserved|filed|registered) under|on the card is|should say|in the name of|(?:holder|owner|recipient|name|beneficiary|contact|guest|passenger|driver|buyer|sender) (?:is|was|to|as|should be)|(?:change|changed|correct) (?:it|that|this|name) to)[,:]?[\s\"“*]{1,4}"
)
_NEAR = regex.compile(
    r"(?ri)(?<![\p{L}\p{N}])(?:given|gave|give|gives|between|contact|helped|sent|remove|customer|client|employee|patient|passenger|user|author|by|like|unlike the|with|for|and|than|me|early|late|young|old|to|that|from)[,:]?[\s\"“*]{1,4}"
)
_GREETING = regex.compile(
    r"(?ri)(?<!\p{L})(?:hi|hello|hey|hiya|dear|ciao|hola|bonjour|hallo)[,]?\s{1,3}"
)
_GREETING_ENDS = regex.compile(r"[,!:\n]|\s?$|\. ")
_ANSWER = regex.compile(
    r"(?i)['’]?s? (?:lives?|lived|living|resid(?:es|ed|ing)) (?:at|in|on|near|with)(?!\p{L})"
    r"|,? (?:born|aged?|originally) |,? (?:was|is) (?:born|married|my|his|her|our|from|on the phone|[1-9][0-9]? years)(?!\p{L})"
    r"|,? [1-9][0-9] ?(?:years|y/?o)(?!\p{L})|,? here(?=[,.!\n]|$)| never (?:received|got|called|showed|arrived|replied)(?!\p{L})"
    r"| as (?:a|the|my|an) (?:beneficiary|joint|authori[sz]ed|contact|guest|passenger|member|user)"
    r"| (?:began|started|wrote|writes|says?|said|told|asked|thinks?|thought|replied|answered|called|phoned|emailed|had given|had told|has told|promised|helped|explained|refused|assured|placed|ordered|received|bought|paid|booked|complained|forgot|wants|wanted|picked|sent|flew|moved|married|signed|died|works|worked) "
    r"|, (?:can|could|would|will|may) (?:i|you|we)(?!\p{L})"
    r"| from .{2,40}? (?:is|was) the(?!\p{L})"
)
_OBJECT = regex.compile(
    r"(?i)['’]s (?:account|order|address|phone|mobile|number|email|e-mail|card|name|birthday|house|home|place|parcel|package|invoice|subscription|profile|passport|ticket|booking|password|wife|husband|son|daughter|novel|book|song|album)(?!\p{L})"
    r"| (?:novel|concert|album|song|book|film|movie|poem|painting|symphony|family)(?!\p{L})"
)
_THING = regex.compile(
    r"(?i),? (?:inc|llc|ltd|plc|corp|corporation|co|gmbh|ag|bv|oy|ab|aps|llp|group|company|companies|and sons|& sons|& co|bank|university|college|school|hotel|hospital|church|airport|institute|foundation"
    r"|orchestra|association|technologies|solutions|systems|partners|industries|store|shop|county|city)(?!\p{L})"
    r"|-[\p{L}\p{N}]| ?&|, [\p{L}\-]{3,20} and \p{Lu}"
)
_NEXT_WORD = regex.compile(r" (?P<word>\p{L}{2,12})(?!\p{L})")
_ARTICLE = regex.compile(
    r"(?ri)(?<![\p{L}\p{N}])(?:the|an?|my|our|your|this|these|another|any|new|some|which) "
)
_REACH = 60


def is_introduced(text: str, start: int) -> bool:
    """Whether what stands before is followed by a name, however strange: "my name is"."""
    return _before(_INTRODUCTION, text, start)


def is_hinted(text: str, start: int) -> bool:
    """Whether what stands before is often followed by a name: "this is", "told"."""
    return _before(_HINT, text, start)


def is_near(text: str, start: int) -> bool:
    """Whether what stands before may be followed by a name: "with", "for"."""
    return _before(_NEAR, text, start)


def is_greeted(text: str, start: int, end: int) -> bool:
    """Whether somebody is greeted by what stands there."""
    return _before(_GREETING, text, start) and _GREETING_ENDS.match(text, end) is not None


def acts(text: str, end: int) -> bool:
    """Whether the sentence goes on with what people do: "lives in", ", can I"."""
    return _ANSWER.match(text, end) is not None


def owns(text: str, end: int) -> bool:
    """Whether it goes on with what belongs to people: "'s account"."""
    return _OBJECT.match(text, end) is not None


def is_thing(text: str, start: int, end: int) -> bool:
    """Whether what stands around makes it a company, a street or a thing."""
    if _THING.match(text, end) or text[max(0, start - 2) : start - 1].isdigit():
        return True
    following = _NEXT_WORD.match(text, end)
    if following is None:
        return False
    word = following["word"].lower()
    return word in words("streets") or word in words("things")


def is_counted(text: str, start: int) -> bool:
    """Whether an article or the like stands before it: people have none."""
    return _before(_ARTICLE, text, start)


def _before(lead: "regex.Pattern[str]", text: str, start: int) -> bool:
    # These patterns read backwards.
    return lead.match(text, max(0, start - _REACH), start) is not None
