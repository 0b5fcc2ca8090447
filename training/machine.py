"""What is free on this machine, without importing anything heavy."""

import shutil
import subprocess
from pathlib import Path

from training.planner import Machine

MEBIBYTE = 1024**2
_GROUPS = (
    # cgroup 2, then 1: the limit of a container and what is used of it.
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def machine(device: str, folder: Path) -> Machine:
    """Free memory of ``device`` and free disk of ``folder``, which must exist."""
    memory = free_memory() if device == "cpu" else _free_gpu_memory()
    return Machine(memory_bytes=memory, disk_bytes=shutil.disk_usage(folder).free)


def free_memory() -> int:
    """Bytes that a new process may take: of the machine, and of our container."""
    free = [_available()]
    for limit, used in _GROUPS:
        try:
            free.append(int(Path(limit).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):
            # No such group, or no limit ("max").
            continue
    return max(0, min(free))


def _available() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        # Elsewhere than on Linux nothing is refused for want of memory.
        return 2**60
    values = dict(line.split(":", 1) for line in lines)
    return int(values["MemAvailable"].split()[0]) * 1024


def _free_gpu_memory() -> int:
    query = ["nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30)
        return int(found.stdout.split()[0]) * MEBIBYTE
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return 2**60
