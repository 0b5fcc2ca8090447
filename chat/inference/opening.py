"""Which engine to use and how to open it: the only module that knows them all."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from chat.inference import artifacts
from chat.inference.artifacts import ArtifactError
from chat.inference.engine import Engine, EngineError

ENGINES = ("genai", "onnx", "transformers", "openai", "echo")
FILE_ENGINES = ("genai", "onnx", "transformers")
"""Those that load an artifact; the others need none."""
DEVICES = ("cpu", "cuda")

_BY_FORMAT = {"genai": "genai", "onnx": "onnx", "safetensors": "transformers"}


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """Everything that decides how an engine runs. Equal specs may share one engine."""

    engine: str = "auto"
    """One of :data:`ENGINES`, or ``auto``: what the artifact's format asks for."""
    device: str = "auto"
    """One of :data:`DEVICES`, or ``auto``: a GPU if this machine has one and the engine can."""
    artifact: Path | None = None
    """The sealed model folder; ``openai`` and ``echo`` need none."""
    manifest_sha256: str = ""
    """What the folder's manifest has to be; empty takes whatever seals it."""
    adapter: Path | None = None
    """A sealed peft adapter folder; ``transformers`` only."""
    threads: int = 0
    """CPU threads; 0 takes the cores that this process may use."""
    seats: int = 8
    context_length: int = 1024
    openai_url: str = ""
    openai_model: str = ""
    openai_api_key: str = ""
    echo_delay: float = 0.0
    """Seconds before each word of ``echo``."""


def resolve(spec: EngineSpec) -> EngineSpec:
    """``spec`` with its ``auto`` and 0 decided. Raises :class:`EngineError`."""
    engine = _engine(spec)
    device = "cpu"
    if engine in ("transformers", "onnx"):
        device = spec.device if spec.device != "auto" else _device()
    elif engine == "genai" and spec.device == "cuda":
        raise _refusal("The genai engine runs on CPUs; use transformers or openai on a GPU.")
    if engine not in ENGINES or device not in DEVICES:
        raise _refusal(f"There is no engine {engine!r} on device {device!r}.")
    threads = spec.threads or len(os.sched_getaffinity(0))
    return replace(spec, engine=engine, device=device, threads=threads)


def open_engine(spec: EngineSpec) -> Engine:
    """Check the artifact's files, then load them and answer with ``spec.seats`` seats.

    Raises :class:`EngineError`, or :class:`~chat.inference.artifacts.ArtifactError` for a
    folder that is missing, damaged or not what it was sealed as.
    """
    spec = resolve(spec)
    if spec.engine in FILE_ENGINES:
        if spec.artifact is None:
            raise _refusal(f"The {spec.engine} engine needs a model.")
        manifest = artifacts.verify(spec.artifact, manifest_sha256=spec.manifest_sha256)
        if _BY_FORMAT.get(manifest.facts.format) != spec.engine:
            raise _refusal(
                f"{spec.artifact.name} was exported as {manifest.facts.format}; "
                f"the {spec.engine} engine cannot load it."
            )
    try:
        return _OPENERS[spec.engine](spec)
    except (ArtifactError, EngineError, MemoryError):
        raise
    except Exception as error:  # each library raises its own; whatever it is, the file is no model
        name = spec.artifact.name if spec.artifact else spec.engine
        raise _refusal(f"{name} cannot be loaded ({type(error).__name__}).") from error


def _engine(spec: EngineSpec) -> str:
    if spec.engine != "auto":
        return spec.engine
    if spec.artifact is not None:
        return _BY_FORMAT.get(artifacts.read_manifest(spec.artifact).facts.format, "genai")
    if spec.openai_url:
        return "openai"
    raise _refusal("No model is named and no OpenAI-compatible server either.")


def _device() -> str:
    # Asking torch would load it into processes that never need it.
    return "cuda" if Path("/dev/nvidia0").exists() else "cpu"


def _refusal(message: str) -> EngineError:
    return EngineError(message, code="engine_unusable", retryable=False)


def _open_genai(spec: EngineSpec) -> Engine:
    from chat.inference.genai import GenaiEngine

    assert spec.artifact is not None
    return GenaiEngine(
        spec.artifact,
        seats=spec.seats,
        context_length=spec.context_length,
        threads=spec.threads,
    )


def _open_onnx(spec: EngineSpec) -> Engine:
    from chat.inference.onnx import open_onnx

    assert spec.artifact is not None
    return open_onnx(
        spec.artifact,
        device=spec.device,
        threads=spec.threads,
        context_length=spec.context_length,
    )


def _open_transformers(spec: EngineSpec) -> Engine:
    from chat.inference.transformers import open_transformers

    assert spec.artifact is not None
    if spec.adapter is not None:
        artifacts.verify(spec.adapter)
    return open_transformers(
        spec.artifact,
        adapter=spec.adapter,
        device=spec.device,
        threads=spec.threads,
        context_length=spec.context_length,
    )


def _open_openai(spec: EngineSpec) -> Engine:
    from chat.inference.openai import OpenAIEngine

    return OpenAIEngine(
        spec.openai_url,
        model=spec.openai_model,
        api_key=spec.openai_api_key,
        seats=spec.seats,
        context_length=spec.context_length,
    )


def _open_echo(spec: EngineSpec) -> Engine:
    from chat.inference.echo import EchoEngine

    return EchoEngine(seats=spec.seats, context_length=spec.context_length, delay=spec.echo_delay)


_OPENERS: dict[str, Callable[[EngineSpec], Engine]] = {
    "genai": _open_genai,
    "onnx": _open_onnx,
    "transformers": _open_transformers,
    "openai": _open_openai,
    "echo": _open_echo,
}
