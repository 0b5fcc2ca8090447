"""Presidio's default analyser on the same files, with its blank spaCy engine: no download."""

import importlib.util
from pathlib import Path

from benchmarks.machine import Figure
from benchmarks.moderation.personal import KINDS, Found, on_files


def figures(data: Path) -> list[Figure]:
    """The same table as ours; nothing when ``presidio-analyzer`` is not installed."""
    if importlib.util.find_spec("presidio_analyzer") is None:
        return []
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    class Blank(SpacyNlpEngine):
        def __init__(self) -> None:
            super().__init__(models=[{"lang_code": "en", "model_name": "blank"}])
            self.nlp = {"en": spacy.blank("en")}

        def load(self) -> None:
            """Nothing to load."""

    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    engine = AnalyzerEngine(nlp_engine=Blank(), registry=registry, supported_languages=["en"])

    def find(text: str) -> Found:
        return {
            (each.start, each.end, KINDS[each.entity_type])
            for each in engine.analyze(text, language="en")
            if each.entity_type in KINDS
        }

    return on_files(data, find, "Presidio, ")
