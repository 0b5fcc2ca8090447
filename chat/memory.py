"""How much memory a process of this machine may still take."""

from pathlib import Path

_GROUPS = (
    # cgroup 2, then 1: the limit of a container and what is used of it.
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def free_memory() -> int:
    """Bytes that a process may take: of the machine, and of our container."""
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
