"""Recipes: everything that decides how a model is tuned, in one TOML file each."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

FOLDER = Path(__file__).resolve().parent.parent / "recipes"

Method = Literal["lora", "full", "qlora"]
Style = Literal["number", "words", "plain", "questions"]
CHOOSING: frozenset[str] = frozenset({"number", "questions"})
"""The styles of models that choose an approved answer and write no words of their own."""


class RecipeError(ValueError):
    """A recipe that contradicts itself or names what does not exist; safe to show."""


@dataclass(frozen=True, slots=True)
class Data:
    """Which examples are made of a dataset version. See :mod:`training.grounding`."""

    style: Style = "number"
    """What the model learns to write: the number of the approved answer, its words, (plain) its
    words without having read anything, or (questions) what customers ask who need an answer: see
    :mod:`training.asking`. Of this table, ``questions`` reads ``examples`` alone."""
    candidates: int = 5
    """Approved questions in each prompt."""
    examples: int = 0
    """At most so many; 0 takes all. Those that the index ranks wrong come first. With the style
    ``questions`` one is a list of questions, and every answer has one before any has two."""
    hard_share: float = 0.5
    """Of them, how many may be questions whose right answer is not the nearest one."""
    without_right_share: float = 0.12
    """How often the right answer is taken out of the prompt, and handing over is right."""
    unknown_share: float = 0.1
    """How many are questions that nothing approved answers, repeated as often as that needs."""
    replay_share: float = 0.3
    """When continuing a model: how much of the data it has seen before is mixed in."""
    new_first: bool = False
    """When continuing a model: learn all that is new to it, even if that is more than ``examples``;
    what it has seen is only replayed, and fills up what is left of ``examples``."""

    def __post_init__(self) -> None:
        for name in ("hard_share", "without_right_share", "unknown_share", "replay_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise RecipeError(f"data.{name} is a share: between 0 and 1.")
        if not 1 <= self.candidates <= 9:
            raise RecipeError("data.candidates is between 1 and 9: numbers have one digit.")
        if self.style not in get_args(Style):
            raise RecipeError(
                f"data.style is number, words, plain or questions, not {self.style!r}."
            )


@dataclass(frozen=True, slots=True)
class Search:
    """How the encoder is tuned that finds what the model reads. See :mod:`training.encoder.tuning`."""

    passes: float = 0.0
    """Over all questions; 0: the model is searched for with what the installation has."""
    learning_rate: float = 2e-4

    def __post_init__(self) -> None:
        if self.passes < 0 or self.learning_rate <= 0:
            raise RecipeError("search.passes is 0 or more, search.learning_rate above 0.")


@dataclass(frozen=True, slots=True)
class Lora:
    """The adapter; Hu et al., arXiv 2106.09685."""

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    rslora: bool = False
    """Scale by the root of the rank, arXiv 2312.03732."""
    dora: bool = False
    """Decompose into magnitude and direction, arXiv 2402.09353."""
    targets: tuple[str, ...] = (
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
        "gate_proj",
        "up_proj",
        "down_proj",
    )

    def __post_init__(self) -> None:
        if self.rank < 1 or self.alpha < 1:
            raise RecipeError("lora.rank and lora.alpha are at least 1.")


@dataclass(frozen=True, slots=True)
class Optimisation:
    """How weights are changed. Rates follow a cosine after a linear warm-up."""

    epochs: float = 1.0
    batch_size: int = 8
    batch_tokens: int = 1024
    """Tokens that are computed at once, padding included: what memory is for. A batch with more is
    computed in parts, with the same result; 0 sets no limit."""
    accumulation: int = 1
    """Batches for each change of the weights."""
    learning_rate: float = 1e-3
    warmup_share: float = 0.06
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    top_layers: int = 0
    """Only so many layers nearest to the output learn; 0: all. The others are read without
    keeping anything for a way back, which is faster."""
    deciding_weight: float = 1.0
    """How much more the tokens count in which an answer first differs from its rivals."""
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """``auto``: bf16 where the device computes in it, else fp32."""
    gradient_checkpointing: bool = False
    """Compute twice instead of remembering: less memory, a third slower."""
    remembered_tokens: int = 0
    """Do so only where more than so many tokens are computed at once, padding included: what is
    longest decides how much memory is needed. 0: as ``gradient_checkpointing`` says."""
    max_tokens: int = 1024
    """Longer examples are left out, and counted."""
    checkpoint_seconds: float = 120.0
    heldout_examples: int = 48
    heldout_every: int = 20
    """Steps between two looks at held-out examples."""

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.accumulation < 1:
            raise RecipeError(
                "optimisation.batch_size and optimisation.accumulation are at least 1."
            )
        if self.epochs <= 0 or self.learning_rate <= 0:
            raise RecipeError("optimisation.epochs and optimisation.learning_rate are above 0.")
        if self.remembered_tokens < 0:
            raise RecipeError("optimisation.remembered_tokens is 0 or more.")
        if not 0 <= self.warmup_share < 1:
            raise RecipeError("optimisation.warmup_share is a share below 1.")


@dataclass(frozen=True, slots=True)
class Export:
    """What the tuned model becomes for serving."""

    format: Literal["genai", "onnx", "none"] = "genai"
    precisions: tuple[str, ...] = ("int4", "int8", "fp32")
    """Tried in this order; the first that answers held-out questions as well as the best wins."""
    tolerance: float = 0.01
    """How much accuracy a smaller precision may lose."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way of tuning."""

    name: str
    description: str
    base: str
    """The base model's folder below ``var/models/base``, or what ``fetch_model`` makes it from."""
    method: Method = "lora"
    tensorboard: bool = False
    """Write TensorBoard files into the run's folder; the package has to be installed."""
    data: Data = field(default_factory=Data)
    search: Search = field(default_factory=Search)
    lora: Lora = field(default_factory=Lora)
    optimisation: Optimisation = field(default_factory=Optimisation)
    export: Export = field(default_factory=Export)

    def __post_init__(self) -> None:
        if self.method not in ("lora", "full", "qlora"):
            raise RecipeError(f"method is lora, full or qlora, not {self.method!r}.")
        if self.method == "full" and (self.lora.dora or self.lora.rslora):
            raise RecipeError("method = full has no adapter: lora.dora and lora.rslora stay off.")

    def as_dict(self) -> dict[str, Any]:
        """As TOML and JSON hold it; :func:`parse` reads it back."""
        return asdict(self)


T = TypeVar("T")


def names() -> list[str]:
    """The recipes that ship with csbot."""
    return sorted(place.stem for place in FOLDER.glob("*.toml"))


def load(name: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe ``name``, changed by ``overrides``: ``{"optimisation.epochs": 2}``.

    Raises :class:`RecipeError`.
    """
    if name not in names():
        raise RecipeError(f"There is no recipe {name!r}: use one of {', '.join(names())}.")
    stored = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
    for path, value in (overrides or {}).items():
        section, _, key = path.rpartition(".")
        place = stored.setdefault(section, {}) if section else stored
        if not isinstance(place, dict):
            raise RecipeError(f"{path} is no field of a recipe.")
        place[key] = value
    return parse({"name": name, **stored})


def parse(stored: Mapping[str, Any]) -> Recipe:
    """A recipe from a mapping. Raises :class:`RecipeError` for what it does not know."""
    rest = dict(stored)
    sections: dict[str, Any] = {
        "data": _section(Data, "data", rest.pop("data", {})),
        "search": _section(Search, "search", rest.pop("search", {})),
        "lora": _section(Lora, "lora", rest.pop("lora", {})),
        "optimisation": _section(Optimisation, "optimisation", rest.pop("optimisation", {})),
        "export": _section(Export, "export", rest.pop("export", {})),
    }
    return replace(_section(Recipe, "", rest), **sections)


def _section(kind: type[T], name: str, values: object) -> T:
    known = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]  # dataclasses
    where = f"{name}." if name else ""
    if not isinstance(values, Mapping):
        raise RecipeError(f"{name} is a table of values.")
    made: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            raise RecipeError(f"{where}{key} is no field of a recipe.")
        made[key] = _typed(f"{where}{key}", value, str(known[key].type))
    try:
        return kind(**made)
    except TypeError as error:
        raise RecipeError(f"{name or 'The recipe'} is incomplete: {error}") from error


def _typed(path: str, value: object, type_name: str) -> object:
    """The value, if it is of the field's type; lists become tuples."""
    if isinstance(value, list | tuple):
        if not type_name.startswith("tuple") or not all(isinstance(each, str) for each in value):
            raise RecipeError(f"{path} is no list.")
        return tuple(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": is_number,
        "bool": isinstance(value, bool),
    }.get(type_name.removeprefix("<class '").removesuffix("'>"), isinstance(value, str))
    if not fits:
        raise RecipeError(f"{path} cannot be {value!r}.")
    return value
