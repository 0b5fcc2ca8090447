"""Base models become serving artifacts that start in a second and need no torch.

The format ``genai`` is onnxruntime-genai's decoder graph (grouped-query attention over a
shared cache); ``onnx`` is optimum's, for architectures that the former does not know.
"""

import contextlib
import dataclasses
import io
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from chat.inference import artifacts

STEPS = 4
"""How often :func:`export` reports."""
Report = Callable[[str], None]

_BUILDER: dict[str, tuple[str, tuple[str, ...]]] = {
    "int4": ("int4", ()),
    # Chooses scales that fit the weights instead of rounding them: half a minute more, closer.
    "int4-kquant": ("int4", ("algo_config=k_quant",)),
    # The same, with 8 bits for the layers that suffer most.
    "int4-mixed": ("int4", ("algo_config=k_quant", "matmul_mixed_precision=mixed_layers:int8")),
    # The builder names the shared 8-bit embedding as if it had 4 bits; the graph is broken.
    "int8": ("int8", ("shared_embeddings=false",)),
    "fp32": ("fp32", ()),
}
"""What onnxruntime-genai's builder is asked for each precision."""
PRECISIONS = {"genai": tuple(_BUILDER), "onnx": ("int4", "int8", "fp32")}
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "generation_config.json",
    "config.json",
)


class ExportError(Exception):
    """A model could not be exported; one sentence, safe to show."""


def export(
    base: Path,
    target: Path,
    *,
    precision: str = "int4",
    format: str = "genai",
    search: Path | None = None,
    report: Report = lambda _: None,
) -> Path:
    """Export the sealed folder ``base`` (fp32 safetensors) into the artifact ``target``.

    The embedder in the sealed folder ``search`` goes with it. Raises :class:`ExportError`, or ``ArtifactError`` when one of the folders is damaged.
    """
    if precision not in PRECISIONS.get(format, ()):
        raise ExportError(f"{format} has no precision {precision}: use one of {PRECISIONS}.")
    report("Checking the base model")
    facts = artifacts.verify(base).facts
    if search is not None:
        artifacts.verify(search)
    with artifacts.building(target) as folder:
        report(f"Exporting {facts.name} to {precision}")
        chatter = io.StringIO()
        try:
            with contextlib.redirect_stdout(chatter), contextlib.redirect_stderr(chatter):
                _EXPORTERS[format](base, folder, precision)
        except (ImportError, ValueError, KeyError, NotImplementedError, RuntimeError) as error:
            raise ExportError(f"{facts.name} cannot be exported as {format}: {error}") from error
        report("Sealing")
        for name in TOKENIZER_FILES:
            if (base / name).exists():
                shutil.copyfile(base / name, folder / name)
        if search is not None:
            artifacts.fill(folder / artifacts.SEARCH, search)
        made = dataclasses.replace(facts, format=format, precision=precision)
        artifacts.seal(folder, made)
    report("Ready")
    return target


def _export_genai(base: Path, folder: Path, precision: str) -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from onnxruntime_genai.models import builder

    bits, options = _BUILDER[precision]
    with tempfile.TemporaryDirectory() as cache, _quiet_logging():
        arguments = (str(base), str(folder), bits, "cpu", cache)
        parsed = builder.parse_extra_options(None, *arguments, ["hf_token=false", *options])
        builder.create_model(None, *arguments, **parsed)


def _export_onnx(base: Path, folder: Path, precision: str) -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from optimum.onnxruntime import ORTModelForCausalLM

    with _quiet_logging(), tempfile.TemporaryDirectory() as scratch:
        plain = folder if precision == "fp32" else Path(scratch)
        ORTModelForCausalLM.from_pretrained(base, export=True).save_pretrained(plain)
        if precision == "int8":
            _quantize_int8(plain, folder)
        elif precision == "int4":
            _quantize_int4(plain, folder)


def _quantize_int8(plain: Path, folder: Path) -> None:
    from optimum.onnxruntime import ORTQuantizer
    from optimum.onnxruntime.configuration import AutoQuantizationConfig

    config = AutoQuantizationConfig.avx512_vnni(is_static=False, per_channel=True)
    quantizer = ORTQuantizer.from_pretrained(plain, file_name="model.onnx")
    quantizer.quantize(save_dir=folder, quantization_config=config, file_suffix="")


def _quantize_int4(plain: Path, folder: Path) -> None:
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    # Blocks of 32 and 8-bit activations, as in the genai export.
    quantizer = MatMulNBitsQuantizer(
        onnx.load(plain / "model.onnx"), block_size=32, is_symmetric=True, accuracy_level=4
    )
    quantizer.process()
    quantizer.model.save_model_to_file(str(folder / "model.onnx"), True)


_EXPORTERS: dict[str, Callable[[Path, Path, str], None]] = {
    "genai": _export_genai,
    "onnx": _export_onnx,
}


@contextlib.contextmanager
def _quiet_logging() -> Iterator[None]:
    """The exporters log every weight; only what they raise is of interest."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
