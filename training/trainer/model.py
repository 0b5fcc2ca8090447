"""The model while it is tuned: loaded, what of it learns, the loss, and saved as a whole."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from chat.inference import artifacts
from chat.inference.artifacts import Facts
from chat.inference.exporting import TOKENIZER_FILES
from training.trainer.examples import Encoded
from training.trainer.job import Job, JobError
from training.trainer.recipe import CHOOSING, Recipe


class Learner(nn.Module):
    """A causal language model whose loss counts the tokens of answers alone.

    Logits of a whole prompt times a vocabulary are most of the memory of naive training:
    they are computed for the tokens that are to be written, and for no others.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        plain = model.get_base_model() if hasattr(model, "peft_config") else model
        # Looked up once: they are parts of ``model`` and must not be registered twice.
        self._parts = (plain.get_decoder(), plain.get_output_embeddings())

    def forward(self, ids: Tensor, mask: Tensor, places: Tensor, weights: Tensor) -> Tensor:
        """The weighted mean loss of a batch from :func:`collate`."""
        decoder, head = self._parts
        hidden = decoder(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        rows, columns = places
        logits = head(hidden[rows, columns - 1]).float()
        losses = nn.functional.cross_entropy(logits, ids[rows, columns], reduction="none")
        return (losses * weights).sum() / weights.sum()

    def remember(self, *, is_wanted: bool) -> None:
        """Whether the next pass keeps what it computes for the way back, or computes it twice."""
        if is_wanted:
            self.model.gradient_checkpointing_disable()
        else:
            self.model.gradient_checkpointing_enable({"use_reentrant": False})

    def learning(self) -> list[nn.Parameter]:
        """What the optimiser changes."""
        return [each for each in self.model.parameters() if each.requires_grad]


def collate(batch: Sequence[Encoded], device: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Ids and mask of shape (batch, longest); rows and columns of answer tokens, shape
    (2, answers), and their weights, shape (answers,)."""
    longest = max(len(each) for each in batch)
    ids = torch.zeros((len(batch), longest), dtype=torch.long)
    mask = torch.zeros((len(batch), longest), dtype=torch.long)
    places: list[tuple[int, int]] = []
    weights: list[float] = []
    for row, each in enumerate(batch):
        ids[row, : len(each)] = torch.tensor(each.ids)
        mask[row, : len(each)] = 1
        start = len(each) - len(each.weights)
        places += [(row, column) for column in range(start, len(each))]
        weights += each.weights
    made = (ids, mask, torch.tensor(places).T, torch.tensor(weights))
    return tuple(each.to(device) for each in made)  # type: ignore[return-value]  # four of them


def load(job: Job) -> Learner:
    """The base, with everything frozen but what the recipe lets learn.

    Raises :class:`JobError`, or ``ArtifactError`` when the base is damaged.
    """
    artifacts.verify(job.base)
    recipe = job.recipe
    model = _base(job.base, recipe, job.device)
    model.config.use_cache = False
    if recipe.method == "full":
        _choose_layers(model, recipe)
    else:
        model = _with_adapter(model, recipe)
    if recipe.optimisation.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
        model.enable_input_require_grads()
    return Learner(model)


def save_adapter(learner: Learner, folder: Path) -> None:
    """Keep what was learned: the adapter, or all weights of a full tuning."""
    learner.model.save_pretrained(folder, safe_serialization=True)


def save_whole(job: Job) -> None:
    """Merge what was learned into the base: a sealed folder of its own, in fp32.

    Raises ``ArtifactError``.
    """
    from peft import PeftModel

    facts = artifacts.read_manifest(job.base).facts
    is_adapter = job.recipe.method != "full"
    model = _pretrained(job.base if is_adapter else job.adapter, dtype=torch.float32)
    if is_adapter:
        model = PeftModel.from_pretrained(model, job.adapter, local_files_only=True)
        model = model.merge_and_unload()
    model.config.use_cache = True
    with artifacts.building(job.weights) as folder:
        model.save_pretrained(folder, safe_serialization=True)
        for name in TOKENIZER_FILES:
            if name != "config.json" and (job.base / name).exists():
                shutil.copyfile(job.base / name, folder / name)
        style = job.recipe.data.style if job.recipe.data.style in CHOOSING else "words"
        source = f"tuned:{job.recipe.name}"
        artifacts.seal(folder, Facts(facts.name, "safetensors", facts.base, "fp32", source, style))
        job.check_fence()


def precision(job: Job) -> str:
    """``bf16`` or ``no``, as accelerate names them."""
    wanted = job.recipe.optimisation.precision
    if wanted == "auto":
        if job.device == "cpu":
            wanted = "bf16" if _cpu_computes_bf16() else "fp32"
        else:
            wanted = "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    return "bf16" if wanted == "bf16" else "no"


def _base(folder: Path, recipe: Recipe, device: str) -> Any:
    if recipe.method != "qlora":
        # A small change of a weight itself is lost in bf16; frozen ones change no more.
        is_exact = device == "cpu" or recipe.method == "full"
        return _pretrained(folder, dtype=torch.float32 if is_exact else torch.bfloat16)
    if device == "cpu":
        raise JobError("method = qlora needs a GPU: use lora on a CPU.")
    import transformers
    from peft import prepare_model_for_kbit_training

    library: Any = transformers
    four_bits = library.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    model = _pretrained(folder, dtype=torch.bfloat16, quantization_config=four_bits)
    prepare: Any = prepare_model_for_kbit_training
    return prepare(model, use_gradient_checkpointing=False)


def _pretrained(folder: Path, **options: Any) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, **options
    )


def _choose_layers(model: Any, recipe: Recipe) -> None:
    """Embeddings stay: a few thousand examples would only move the words that they use."""
    model.requires_grad_(False)
    for layer in _top(model.get_decoder().layers, recipe):
        layer.requires_grad_(True)


def _with_adapter(model: Any, recipe: Recipe) -> Any:
    from peft import LoraConfig, get_peft_model

    count = model.config.num_hidden_layers
    config = LoraConfig(
        r=recipe.lora.rank,
        lora_alpha=recipe.lora.alpha,
        lora_dropout=recipe.lora.dropout,
        use_rslora=recipe.lora.rslora,
        use_dora=recipe.lora.dora,
        target_modules=list(recipe.lora.targets),
        layers_to_transform=list(_top(range(count), recipe)),
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        raise JobError(f"The adapter does not fit the model: {error}") from error


def _top(layers: Any, recipe: Recipe) -> Any:
    wanted = recipe.optimisation.top_layers
    return layers[-wanted:] if wanted else layers


def _cpu_computes_bf16() -> bool:
    """Without the instructions, bf16 on a CPU is many times slower than fp32."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
