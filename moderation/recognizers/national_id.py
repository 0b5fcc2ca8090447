"""Identity numbers of further countries: shape, check digits (``python-stdnum``) and context.

Where the check is weak (one digit), the document has to be named before the number.
"""

from collections.abc import Callable

import regex
from stdnum.au import tfn
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.in_ import aadhaar, pan
from stdnum.it import codicefiscale
from stdnum.kr import rrn

from moderation.recognizers import context
from moderation.recognizers.base import PatternRecognizer
from moderation.recognizers.digits import END, HAS_DIGIT, START


def _recognizer(
    name: str, shape: str, is_valid: Callable[[str], bool], word: str = ""
) -> PatternRecognizer:
    said = regex.compile(word, regex.IGNORECASE) if word else None

    def canonical(match: "regex.Match[str]") -> str | None:
        if said is not None and not said.search(context.before(match)):
            return None
        value = regex.sub(r"[ .\-/]", "", match[0]).upper()
        return value if is_valid(value) else None

    return PatternRecognizer(
        kind="national_id",
        name=name,
        pattern=regex.compile(rf"{START}(?:{shape}){END}"),
        canonical=canonical,
        needs=HAS_DIGIT,
        score=0.97,
    )


NATIONAL_IDS = (
    _recognizer("es_dni", r"[0-9]{8}-?[A-Z]", dni.is_valid),
    _recognizer("es_nie", r"[XYZ]-?[0-9]{7}-?[A-Z]", nie.is_valid),
    _recognizer(
        "it_codice_fiscale",
        r"[A-Z]{6}[0-9]{2}[A-Z][0-9]{2}[A-Z][0-9]{3}[A-Z]",
        codicefiscale.is_valid,
    ),
    _recognizer("br_cpf", r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", cpf.is_valid),
    _recognizer("kr_rrn", r"[0-9]{6}-[0-9]{7}", rrn.is_valid),
    _recognizer(
        "fr_nir",
        r"[12] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}",
        nir.is_valid,
    ),
    _recognizer("in_pan", r"[A-Z]{5}[0-9]{4}[A-Z]", pan.is_valid),
    _recognizer(
        "in_aadhaar", r"[2-9][0-9]{3}[ \-]?[0-9]{4}[ \-]?[0-9]{4}", aadhaar.is_valid, r"aadha+r|uid"
    ),
    _recognizer("gb_nhs", r"[0-9]{3}[ \-]?[0-9]{3}[ \-]?[0-9]{4}", nhs.is_valid, r"\bnhs\b"),
    _recognizer(
        "gb_nino",
        r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?(?:[0-9]{2} ?){3}[A-D]",
        lambda _: True,
    ),
    _recognizer(
        "ca_sin", r"[0-9]{3}[ \-][0-9]{3}[ \-][0-9]{3}", sin.is_valid, r"\bsin\b|social\s?insurance"
    ),
    _recognizer("au_tfn", r"[0-9]{3} ?[0-9]{3} ?[0-9]{2,3}", tfn.is_valid, r"\btfn\b|tax\s?file"),
    _recognizer(
        "de_idnr", r"[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}", idnr.is_valid, r"steuer|idnr|tax"
    ),
)
