"""The container files start what the Procfile starts, from what the locks install."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from csbot import env
from tests.services import ROOT, procfile

DOCKERFILES = ("Dockerfile", "Dockerfile.cuda")


@pytest.fixture
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yml").read_text())
    return loaded


def test_compose_runs_the_commands_of_the_procfile(compose: dict[str, Any]) -> None:
    for name, command in procfile().items():
        shell, flag, script = shlex.split(compose["services"][name]["command"])
        assert (shell, flag) == ("sh", "-c")
        # In compose files a dollar sign is written twice.
        assert script.replace("$$", "$") == f"exec {command}"


def test_compose_sets_only_settings_that_exist(compose: dict[str, Any]) -> None:
    known = {setting.name for setting in env.SETTINGS}
    assert set(compose["services"]["web"]["environment"]) <= known


def test_compose_has_no_secret_of_its_own(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker" / "compose.yml").read_text()
    for name in re.findall(r"\$\{(\w*(?:PASSWORD|SECRET)\w*)", text):
        assert f"${{{name}:?" in text, f"{name} must be required, without a default"
        assert f"\n{name}=\n" in (ROOT / "docker" / "example.env").read_text()


def test_everything_waits_for_what_it_needs(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name in procfile():
        assert set(services[name]["depends_on"]) == {"prepare", "postgres", "valkey"}
    for name in ("postgres", "valkey", "web"):
        assert services[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_images_run_as_somebody_without_rights(name: str) -> None:
    lines = (ROOT / "docker" / name).read_text().splitlines()
    assert lines.index("USER csbot") > max(i for i, x in enumerate(lines) if x.startswith("FROM"))


@pytest.mark.parametrize("name", DOCKERFILES)
def test_images_install_the_locks_and_copy_files_that_exist(name: str) -> None:
    text = (ROOT / "docker" / name).read_text()
    assert "requirements/cpu.txt" in text
    sources = [s for line in re.findall(r"(?m)^COPY ((?!--).+)$", text) for s in line.split()[:-1]]
    assert all((ROOT / source).exists() for source in sources)


def test_ignored_context_still_has_every_package() -> None:
    kept = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    packages = {str(p.parent.relative_to(ROOT)) for p in Path(ROOT).glob("*/__init__.py")}
    assert packages - {"tests"} <= kept
    assert {"manage.py", "Procfile", "requirements", "templates", "static"} <= kept
