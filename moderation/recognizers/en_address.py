"""Postal addresses in Latin script: a street with a number, or a box, and the lines after it."""

from collections.abc import Iterator

import regex

from moderation.normalization import View, folded
from moderation.recognizers.base import Match
from moderation.recognizers.dictionaries import words as dictionary

_NUMBER = r"[0-9]{1,5}[A-Za-z]?(?:[\-/][0-9]{1,4}[A-Za-z]?)?(?![0-9A-Za-z]|[.,][0-9])"
# What is counted is in no street.
_COUNTED = r"(?! (?i:[gtmk]b|[km]?g|[mc]?l|[mck]?m|mi|ft|in|[gm]?hz|mah|w|watts?|volts?|hours?|days?|weeks?|months?|years?|euros?|usd|dollars?|pounds?|percent|large|small|medium|extra|seasons?|way|stars?|pieces?|packs?|x)(?!\p{L}))"
_LETTERS = r"[\p{Latin}\p{Greek}'’]"
_WORD = rf"(?:\p{{Lu}}{_LETTERS}{{0,24}}+\.?(?:-{_LETTERS}{{1,20}}+)?|[0-9]{{1,3}}(?:st|nd|rd|th))"
_LINK = r"(?:(?:de|du|des|del|della|delle|dei|di|da|do|dos|das|la|le|les|los|las|el|e|y|den|der|het|van|von|of|the|am|an|im|zum|zur|sur|sous|aux?) ){0,2}(?:l['’]|d['’])?"
_WORDS = rf"{_LINK}{_WORD}(?: {_LINK}{_WORD}){{0,4}}"
# The ends that are streets, whatever else is said; of the others there are more in the list.
_STREET = (
    "Street|St|Str|Avenue|Ave|Av|Road|Rd|Lane|Ln|Drive|Dr|Court|Ct|Boulevard|Blvd|Way|Place|Pl|Square|Sq|Terrace|Ter|Terr|Trail|Trl|Parkway|Pkwy|Circle|Cir"
    "|Highway|Hwy|Close|Crescent|Cres|Gardens|Gdns|Grove|Row|Mews|Walk|Alley|Loop|Pike|Turnpike|Quay|street|avenue|road|lane|str"
)
_PLACES = [word.capitalize() for word in dictionary("streets")]
_COMPASS = r"(?:(?:North|South|East|West|[NSEW]|N\.?W|N\.?E|S\.?W|S\.?E)\.? )?"
_ENGLISH = rf"{_COMPASS}(?:{_WORD} ){{1,4}}?(?:(?P<street>(?:{_STREET})\.?)|(?P<place>\L<places>))(?!{_LETTERS})(?: (?:North|South|East|West|[NSEW][EW]?)(?!\p{{L}}))?"
_COMPOUND = (
    r"\p{Lu}[\p{Latin}\-]{1,30}(?:-(?:Stra(?:ß|ss)e|Str\.|Weg|Gasse|Platz|Allee|Ufer|Damm|Ring)|stra(?:ß|ss)e|str\.|weg|gasse|platz|allee|ufer|damm|ring|gatan|vägen|gränd|gata|vej|veien|gade|vænget|stræde|straat|laan|plein|steeg|baan|boulevard|ringen|faret|bakken|svingen|stien|åsen|kade|dreef|singel|gracht|katu|tie|kuja|polku"
    r"|braut|stígur|vegur|holt|utca|utcája)(?!\p{L})"
)
_BEFORE_NAME = (
    r"(?:[Rr]ue|[Vv]ia|[Cc]alle|[Cc]/|C\.|[Rr][uú]a|[Aa]venid[ao]|[Aa]vda\.?|[Aa]v\.|[Pp]la[zcç][ae]|[Pp]ra[cç]a|[Pp]iazz(?:a|ale)|[Cc]ontrada|[Rr]otonda|[Ss]alita|[Bb]orgo|[Cc]uesta|[Gg]lorieta|[Rr]ambla|[Aa]lameda|[Ll]adeira|[Rr]odovia|[Vv]iale|[Vv]icolo|[Cc]orso|[Ll]argo|[Aa]venue|[Bb]oulevard|[Bb]d|[Ii]mpasse|[Cc]hemin|[Rr]oute"
    r"|[Qq]uai|[Aa]ll[ée]e|[Cc]ours|[Uu]l\.|[Uu]lica|[Aa]l\.|[Aa]leja|[Oo]s\.|[Tt]ravessa|[Ee]strada|[Cc]arrera|[Cc]ra\.|[Cc]amino|[Pp]aseo|[Pp]asaje|[Rr]onda|[Ss]tr\.|[Ss]trada|[Cc]arrer)"
)
_AFTER_NAME = r"(?:utca|útja|út|tér|tere|u\.|krt\.|körút|rkp\.|sétány|köz|ulica|ulice|nám\.|náměstí|třída|katu|tie|gate|gade|allé|vej|vei|väg|gata|ring|sokak|sok\.|sokağı|cad\.|caddesi|mah\.|iela|gatve|g\.|tänav|tn|Stra(?:ß|ss)e|Str\.|Weg|Allee|Platz|Gasse|Damm|Ufer|Markt)(?!\p{L})"
_HOME = rf"(?:{_COMPOUND}|{_BEFORE_NAME} (?:{_WORDS}|\p{{Ll}}{{3,20}})|{_WORDS} (?:\p{{Ll}}{{3,12}} )?{_AFTER_NAME})"
_BOX = r"(?:[Pp]\.?\s?[Oo]\.?\s?[Bb]ox|[Pp]ost\s?[Oo]ffice\s[Bb]ox|[Pp]ostbox|[Pp]ostfach|[Pp]ostbus|[Aa]partado|[Cc]asilla|B\.?P\.?)"
_UNIT = r"(?:(?:[Aa]pt|[Aa]partment|[Aa]ppt|[Ss]uite|[Ss]te|[Uu]nit|[Ff]lat|[Ff]loor|[Rr]oom|[Rr]m|[Bb]ox|PMB|[Pp]iso|[Pp]uerta|[Pp]lanta|[Pp]iano|[Aa]ppartamento|[Ss]cala|[Ii]nterno|[Bb]loco|[Bb]lock|[Bb]ldg|[Bb]uilding|[Ee]sc|[Aa]p|[Ll]ot|[Tt]op|#)\.?\s?#?\s?[0-9A-Za-z\-]{0,4}[0-9][0-9A-Za-z\-]{0,3}|[0-9]{1,2}(?:st|nd|rd|th)\s[Ff]loor|[0-9]{1,2}[oa] ?(?:[A-Z]|izq|dcha))(?!\p{L})"
_MILITARY = r"(?:(?i:psc|cmr|unit)\s[0-9]{1,5},?\s(?i:box)\s[0-9]{1,5}|(?:USS|USNS|USNV|USCGC)\s\p{Lu}\p{L}{1,20}),?\s(?i:[afd]po),?\s(?i:a[aep])\s[0-9]{5}"
_ENDS = rf"(?:{_NUMBER} )?(?:{_HOME}|{_WORDS}(?: str)?)(?: {_NUMBER})?"
_CORE = regex.compile(
    rf"(?<![\p{{Latin}}0-9.,$€£#\-])(?=(?:[0-9]{{1,5}}[A-Za-z]?(?:[\-/][0-9A-Za-z]{{1,5}})?,?\s){{0,2}}+(?:[\p{{Lu}}a-z#]|[0-9]{{1,3}}(?:st|nd|rd|th)))"
    rf"(?:{_UNIT},?\s)?(?:(?:(?:H|D|House|Flat|Plot|Door|Shop)\.?\s?)?[Nn]o\.?\s?)?(?:"
    rf"(?P<military>{_MILITARY})"
    rf"|(?P<corner>(?:[Tt]he\s)?[Cc]orner\sof\s{_ENDS}\s(?:and|&)\s{_ENDS})"
    rf"|(?:{_NUMBER}\s)?(?P<box>{_BOX}\s[0-9]{{1,7}})"
    rf"|(?:{_NUMBER},?\s){{1,2}}{_HOME}(?: {_NUMBER})?(?P<home>)"
    rf"|{_HOME},?\s{_NUMBER}(?P<home>)"
    rf"|(?:{_NUMBER}{_COUNTED},?\s){{1,2}}{_ENGLISH}"
    rf"|(?P<between>{_NUMBER}{_COUNTED}\s{_WORDS}\s{_NUMBER})"
    rf"|{_WORDS},? {_NUMBER}(?=,?\s{{1,10}}(?:[0-9]{{5}}|[0-9]{{2}}-[0-9]{{3}}|[0-9]{{3}} [0-9]{{2}}|[0-9]{{4}} ?[A-Z]{{2}}) \p{{Lu}}\p{{L}}{{2}})(?P<home>))",
    places=_PLACES,
)
_SAID = regex.compile(
    r"(?i)(?<!\p{L})(?:addresse?s?(?: is| to|:|\s?=| with)|liv(?:e|es|ed|ing) (?:at|in|on)|(?:side|end|corner) of|off at|arrived? at|situated (?:at|in)|(?:pick(?:ed)? up|drop(?:ped)? off|stop|offices?|based|located|registered|residing|resides?|residence|staying|house|home) (?:is |are )?at"
    r"|(?:one|it|sent|send|ship|shipped|deliver|delivered|mail|mailed|moved?|moving|card|order|package|parcel|letter|change|invoice) (?:it |them |this )?to|here they are:|refers to)\s{1,10}"
)
_LOOSE = regex.compile(
    rf"(?<![\p{{Latin}}0-9])(?:(?:{_NUMBER}\s){{1,2}}{_WORDS}(?:\s{_NUMBER})?|{_WORDS}\s{_NUMBER}"
    rf"|(?:{_NUMBER}\s){{1,2}}(?:(?!(?:the|a|an|of|my|this|days?|times?|miles?|km)\s)\p{{Ll}}{_LETTERS}{{1,20}}\s){{1,3}}?(?:(?i:{_STREET})|[0-9]{{1,4}})(?!\p{{L}}))"
)
_GAP = r"(?P<gap>\.?[ \t]{0,6}(?:- )?(?:,[ \t]{0,6})?(?P<line>\n[ \t>]{0,12})?(?:,[ \t]{0,6})?)(?<=[\s,])"
_POSTCODE = r"(?:[0-9]{4} ?[A-Z]{2}(?![\p{L}0-9])|(?:[A-Z]{1,3}-)?[0-9]{4,6}(?:-[0-9]{3,4})?|[0-9]{2,3}[ \-][0-9]{2,3}|[A-Z]{1,2}[0-9][0-9A-Z]?\s?[0-9][A-Z]{2}|[A-Z][0-9][A-Z]\s?[0-9][A-Z][0-9]|[0-9]{3})(?![0-9A-Za-z])(?![\-][0-9])"
_STOP = (
    r"(?!(?:Please|Thanks?|Phone|Tel|Telephone|Mobile|Cell|E-?mail|Fax|I|I'm|My|The|And|But|We|You|Can|Could|Is|It|In|On|When|Where|What|How|Orders?|Date|DOB|SSN|Name|If|Do|Does|Hi|Hello|Regards|Kind|Also|This|That"
    r"|Ship|Attn|Contact|Payment|Card|Account|Best|Yours|He|She|They|Not|No|Yes|Has|Have|Will|To|For|From|At|By|With|There|Their|Our|So|As|Or)(?!\p{L}))"
)
_TOWN_WORD = (
    rf"{_STOP}(?:(?:St|Ste|Mt|Ft|Bad)\. )?\p{{Lu}}{_LETTERS}{{0,24}}+(?:-{_LETTERS}{{1,20}}+)*"
)
# What is written behind a town, without a space of its own: a province, a postal code.
_TOWN_END = r"(?:-[0-9]{6}(?![0-9])|-[A-Z]{2}(?!\p{L})| ?\([A-Z]{2}\)| ?/ ?[A-Z]{2}(?!\p{L}))?"
_TOWN_LINK = r"(?:(?:de|da|do|del|di|la|le|les|el|of|am|an|der|im|in|sur|on|upon|by|ob|bei|nad|u|v|a) ){0,2}(?:[ld]['’])?"
_TOWN = rf"(?=\p{{Lu}}['’]?\p{{L}}){_TOWN_WORD}(?: {_TOWN_LINK}{_TOWN_WORD}){{0,3}}{_TOWN_END}"
_PART = regex.compile(
    rf"{_GAP}(?:(?P<unit>{_UNIT})|(?P<postcode>{_POSTCODE})(?: (?P<town>{_TOWN}))?|(?P<code>(?!(?i:and|or|the|to|for|is|in|at|on|of|by)\s)\p{{L}}{{2,3}}|[0-9]{{1,2}})(?=[,\s])(?=[,\s]{{1,10}}{_POSTCODE})"
    rf"|(?P<place>{_TOWN})(?![:\p{{L}}0-9]))"
)
_SECOND = regex.compile(rf" (?:{_WORD} ){{1,2}}\L<places>(?!\p{{L}})", places=_PLACES)
_HAS_NUMBER = regex.compile(r"[0-9]")
_HAS_WORD = regex.compile(r"\p{L}{2}")
_BARRIER = regex.compile(r"[!?。！？，；\u4e00-\u9fff]|\n\n")
_LONGEST = 180


class LatinAddress:
    """Streets with numbers, as they are written in many countries."""

    kind = "address"
    name = "latin_address"

    def find(self, view: View) -> Iterator[Match]:
        text = view.text
        if not (_HAS_NUMBER.search(text) and _HAS_WORD.search(text)):
            return
        said = {match.end() for match in _SAID.finditer(text)}
        done = 0
        for start, end in sorted(_spans(text, said), key=lambda span: (span[0], -span[1])):
            if start >= done:
                done = start + len(text[start:end].rstrip(" .,"))
                yield Match(start, done, " ".join(text[start:done].lower().split()), 0.8)

    def open_from(self, view: View) -> int:
        """The sentence that is being written, at most so many characters of it."""
        text = view.text
        start = max(0, len(text) - _LONGEST)
        for barrier in _BARRIER.finditer(text, start):
            start = barrier.end()
        return start


def _spans(text: str, said: set[int]) -> Iterator[tuple[int, int]]:
    position = 0
    while core := _CORE.search(text, position):
        end = _end(text, core)
        if (
            core["military"]
            or core["box"]
            or core["street"]
            or core["home"] is not None
            or core.start() in said
            or (end > core.end() and not core["corner"])
            or _HAS_NUMBER.search(core["corner"] or "")
        ):
            yield core.start(), end
        position = end
    for start in said:
        if loose := _LOOSE.match(text, start):
            yield start, _end(text, loose)


def _end(text: str, core: "regex.Match[str]") -> int:
    """Where the last line ends that is surely part of the address.

    A place on a line of its own is, once a postal code or a country comes after it.
    """
    limit = min(len(text), core.start() + _LONGEST)
    position = core.end()
    if second := _SECOND.match(text, position, limit):
        position = second.end()
    sure = position
    after_unit = after_place = after_code = has_code = False
    while part := _PART.match(text, position, limit):
        if has_code and (part["postcode"] or part["code"]):
            break
        gap = text[position : part.end("gap")]
        position = part.end()
        is_next = after_code or (part["line"] is None and ("," in gap or after_unit))
        if (
            part["unit"]
            or _is_code(part, gap, after_place=after_place)
            or _is_town(part["place"], is_next=is_next)
        ):
            sure = position
        after_unit, after_place = part["unit"] is not None, part["place"] is not None
        after_code = part["postcode"] is not None and not part["town"]
        has_code = has_code or part["postcode"] is not None
    return sure


def _is_code(part: "regex.Match[str]", gap: str, *, after_place: bool) -> bool:
    """Whether it is a postal code, and no other number that comes after a street."""
    code = part["postcode"]
    return code is not None and (
        len(code) > 4 or after_place or bool(part["town"]) or gap.strip(" ") != ""
    )


def _is_town(place: str | None, *, is_next: bool) -> bool:
    """Whether it is a place that needs nothing after it."""
    if place is None:
        return False
    return is_next or "-".join(folded(place).text.split()) in dictionary("countries")


EN_ADDRESS = LatinAddress()
