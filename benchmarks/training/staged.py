"""Where training is measured: an installation of its own that borrows the models of this checkout."""

import contextlib
import os
import shlex
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.place import Options, installation
from tests.services import ROOT

TINY = "tiny"
TINY_CONTEXT = 4096
"""Prompts of real data are long in the few words that the tiny model knows."""


@dataclass(frozen=True, slots=True)
class TrainingOptions(Options):
    """``split`` of other people's data is asked, ``examples`` of it are learned from;
    ``llamafactory`` is a Python that has it."""

    split: str = "dev"
    examples: int = 320
    llamafactory: Path | None = None

    @property
    def recipe_words(self) -> list[str]:
        """Arguments of ``train``: none, which is the default recipe, unless it is only tried."""
        if not self.is_quick:
            return []
        return ["--recipe", "tiny_test", "--set", f"optimisation.max_tokens={TINY_CONTEXT}"]


@contextlib.contextmanager
def staged(options: TrainingOptions) -> Iterator[None]:
    """An empty csbot that serves the base of the recipe, with links to what was fetched.

    New models are written beside the links, never into the checkout.
    """
    with installation(**({"CHAT_EMBEDDER": "ngrams"} if options.is_quick else {})):
        from training.management.choosing import RECIPE
        from training.trainer import recipe

        _borrow_models()
        if options.is_quick:
            make_tiny()
            os.environ.update(CHAT_MODEL=TINY, CHAT_PRECISION="fp32")
            manage("export_model")
        else:
            os.environ.update(CHAT_MODEL=recipe.load(RECIPE).base, CHAT_PRECISION="int4")
        yield


def served_base() -> Path:
    """The exported base model."""
    from django.conf import settings

    name = f"{os.environ['CHAT_MODEL']}-{os.environ['CHAT_PRECISION']}"
    return Path(settings.MODELS_DIR) / "serving" / name


def manage(*words: str) -> str:
    """A management command as people call it, in a process of its own; what it printed."""
    print(f"# manage.py {shlex.join(words)}", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {shlex.join(words)} failed: {done.stdout}")
    return done.stdout


def make_tiny() -> Path:
    """The tiny model of the tests among the base models."""
    from django.conf import settings

    from chat.inference import artifacts
    from tests.chat.inference import tiny

    base = artifacts.base_folder(settings.MODELS_DIR, TINY)
    if not base.exists():
        tiny.CONTEXT = TINY_CONTEXT
        with warnings.catch_warnings(action="ignore"):
            tiny.make_base(base)
    return base


def _borrow_models() -> None:
    from django.conf import settings

    from chat.inference import artifacts

    for kind in ("base", "serving"):
        own = settings.MODELS_DIR / kind
        own.mkdir(parents=True)
        for place in (ROOT / "var" / "models" / kind).glob("*"):
            if (place / artifacts.MANIFEST).is_file():
                (own / place.name).symlink_to(place, target_is_directory=True)
