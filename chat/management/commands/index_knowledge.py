"""Turn all approved questions into vectors before runners need them."""

import os
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from chat.knowledge.embedding import EmbeddingError, open_embedder
from chat.libraries import EMBED_AT_ONCE, embedded, embedder_spec
from chat.models import CuratedAnswer, QuestionVariant


class Command(BaseCommand):
    help = "Embed all approved questions and answers that are not embedded yet."

    def handle(self, *args: Any, **options: Any) -> None:
        texts = sorted(
            {
                *QuestionVariant.objects.values_list("text", flat=True),
                *CuratedAnswer.objects.values_list("text", flat=True),
            }
        )
        try:
            embedder = open_embedder(replace(embedder_spec(), threads=os.cpu_count() or 1))
            with tqdm(total=len(texts), desc="Reading knowledge", disable=None) as bar:
                for start in range(0, len(texts), EMBED_AT_ONCE):
                    part = texts[start : start + EMBED_AT_ONCE]
                    embedded(part, embedder)
                    bar.update(len(part))
        except EmbeddingError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{len(texts)} questions and answers are indexed ({embedder.name}).")
