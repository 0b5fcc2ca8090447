"""Logs hold ids and codes; should personal data get into one all the same, it is masked."""

import logging

from moderation.normalization import plain
from moderation.recognizers.catalog import STRUCTURED

# Operators need to know where requests come from.
_KEPT = frozenset({"ip", "device_id"})


class MaskPersonalData(logging.Filter):
    """Replaces structured personal data in the message and the traceback of every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            record.msg = mask(record.getMessage())
        except Exception:  # noqa: BLE001 - a line that cannot be checked is not written as it is
            record.msg = f"a message of {record.name} could not be masked"
        record.args = ()
        if record.exc_info and not record.exc_text:
            record.exc_text = mask(logging.Formatter().formatException(record.exc_info))
        return True


def mask(text: str) -> str:
    """``text`` with every structured value replaced by the name of its kind."""
    view = plain(text)
    spans = sorted(
        (*view.span(match.start, match.end), recognizer.kind)
        for recognizer in STRUCTURED
        if recognizer.kind not in _KEPT
        for match in recognizer.find(view)
    )
    parts: list[str] = []
    done = 0
    for start, end, kind in spans:
        if end > done:
            parts += [text[done : max(start, done)], f"[{kind.upper()}]"]
            done = end
    return "".join([*parts, text[done:]])
