"""Postal addresses of Europe and the Americas: a number and a street, or a box."""

from collections.abc import Iterator

import regex

from moderation.normalization import View
from moderation.recognizers.base import Match

_NUMBER = r"[0-9]{1,5}[A-Za-z]?(?:[\-/][0-9]{1,4}[A-Za-z]?)?"
_WORD = r"(?:\p{Lu}[\p{L}0-9'’.]{0,20}(?:-[\p{L}0-9'’]{1,20})?|[0-9]{1,3}(?:st|nd|rd|th))"
_SUFFIX = (
    r"(?:Street|St|Avenue|Ave|Av|Road|Rd|Lane|Ln|Drive|Dr|Court|Ct|Boulevard|Blvd|Way|Place|Pl|Square|Sq|Terrace|Ter|Trail|Trl|Parkway|Pkwy|Circle|Cir"
    r"|Highway|Hwy|Close|Crescent|Cres|Gardens|Gdns|Grove|Row|Mews|Walk|Hill|Park|Plaza|Alley|Loop|Run|Pike|Path|Pass|Ridge|Turnpike|Green|Quay|Fort|Villa)"
)
_OTHER_STREET = (
    r"(?:[\p{Lu}][\p{L}\-]{1,25}(?:straße|strasse|str\.|weg|gasse|platz|allee|gatan|vägen|gata|vej|veien|gade|vænget|straat|laan|plein|kade|dreef|katu|tie|kuja|utca|utcája|ulica|ulice|gränd)"
    r"|(?:[Rr]ue|[Vv]ia|[Cc]alle|C/|[Rr]ua|[Aa]venida|[Aa]v\.|[Pp]laza|[Pp]iazza|[Vv]iale|[Cc]orso|[Aa]venue|[Bb]oulevard|[Ii]mpasse|[Cc]hemin|[Rr]oute|[Qq]uai|ul\.|[Uu]lica|[Tt]ravessa|[Cc]arrera|[Cc]amino|[Pp]aseo)\s"
    r"(?:(?:de|du|des|del|della|di|da|dos|la|le|les|los|las|el|l'|d')\s?){0,3}[\p{Lu}][\p{L}'’\-]{1,20}(?:\s[\p{Lu}][\p{L}'’\-]{1,20}){0,3}"
    r"|[\p{Lu}][\p{L}\-]{1,20}(?:\s[\p{Lu}][\p{L}\-]{1,20}){0,2}\s(?:utca|út|tér|u\.|körút|ulica|katu|gade|allé|vej|väg|gata|veg|ring|sokak|cad\.))"
)
_UNIT = r"(?:,?\s{0,6}(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|Box|PMB|#)\.?\s?#?\s?[0-9A-Za-z\-]{1,6})"
_PLACE = r"(?:[,\s]\s{0,6}[\p{Lu}][\p{L}.'’\-]{1,24}(?:\s[\p{Lu}][\p{L}.'’\-]{1,24}){0,2})"
_POSTCODE = r"(?:,?\s{0,6}(?:[A-Z]{2}\s{0,6})?(?:[0-9]{5}(?:-[0-9]{4})?|[A-Z]{1,2}[0-9][0-9A-Z]?\s?[0-9][A-Z]{2}|[A-Z][0-9][A-Z]\s?[0-9][A-Z][0-9]|[0-9]{4}\s?[A-Z]{2}))"
_TAIL = rf"{_UNIT}?(?:{_PLACE}{{0,2}}{_POSTCODE})?"
_ADDRESS = regex.compile(
    rf"(?<![\p{{L}}0-9.$€£])(?:(?P<a>(?:{_NUMBER}\s)?{_NUMBER},?\s(?:{_WORD}\s){{1,4}}?{_SUFFIX}(?![\p{{L}}]){_TAIL})"
    rf"|(?P<b>(?:{_NUMBER},?\s)?{_NUMBER},?\s{_OTHER_STREET}(?:\s{_NUMBER})?{_TAIL})"
    rf"|(?P<c>{_OTHER_STREET},?\s{_NUMBER}(?![0-9]){_TAIL})"
    rf"|(?P<d>P\.?\s?O\.?\s?Box\s[0-9]{{1,7}}{_TAIL})"
    rf"|(?P<e>(?:{_WORD}\s){{1,3}}?{_SUFFIX}\s{_NUMBER}(?![0-9]){_TAIL}))"
)
_SAID = regex.compile(
    r"(?<!\p{L})(?:[Aa]ddress(?: is|:|\s?=)|[Ll]iv(?:e|es|ed|ing) (?:at|in)|[Oo]ff at|[Aa]rrived at|[Ss]ituated at|[Pp]ick(?:ed)? up at|[Aa]ddress (?:with|to)|[Oo]ne to|[Bb]ased at|[Ss]hip(?:ped)? (?:it )?to|[Dd]eliver(?:ed)? (?:it )?to|[Ll]ocated at|[Mm]oved? to|[Rr]esid(?:e|es|ing) at|[Ss]ent to|[Ss]end it to)\s{1,10}"
    rf"(?P<a>(?:{_NUMBER}\s){{1,2}}(?:{_WORD}\s?){{1,5}}(?:{_NUMBER}(?![0-9]))?{_TAIL}|(?:{_WORD}\s){{1,4}}{_NUMBER}(?![0-9]){_TAIL})"
)
_HOLD = 100


class LatinAddress:
    """Streets with numbers, as they are written in many countries."""

    kind = "address"
    name = "latin_address"

    def find(self, view: View) -> Iterator[Match]:
        if not regex.search(r"[0-9]", view.text):
            return
        spans = [match.span() for match in _ADDRESS.finditer(view.text)]
        spans += [match.span("a") for match in _SAID.finditer(view.text)]
        done = 0
        for start, reach in sorted(spans, key=lambda span: (span[0], -span[1])):
            end = start + len(view.text[start:reach].rstrip(" ,.\n\t"))
            if start >= done:
                done = end
                yield Match(start, end, " ".join(view.text[start:end].lower().split()), 0.8)

    def open_from(self, view: View) -> int:
        """The sentence that is being written, at most so many characters of it."""
        text = view.text
        start = max(0, len(text) - _HOLD)
        for barrier in regex.finditer(r"[!?。！？，；\u4e00-\u9fff]", text, pos=start):
            start = barrier.end()
        return start


EN_ADDRESS = LatinAddress()
