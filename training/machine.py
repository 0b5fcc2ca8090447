"""What is free on this machine, without importing anything heavy."""

import shutil
import subprocess
from pathlib import Path

from chat.memory import free_memory
from training.planner import Machine

MEBIBYTE = 1024**2


def machine(device: str, folder: Path) -> Machine:
    """Free memory of ``device`` and free disk of ``folder``, which must exist."""
    memory = free_memory() if device == "cpu" else _free_gpu_memory()
    return Machine(memory_bytes=memory, disk_bytes=shutil.disk_usage(folder).free)


def _free_gpu_memory() -> int:
    query = ["nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30)
        return int(found.stdout.split()[0]) * MEBIBYTE
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return 2**60
