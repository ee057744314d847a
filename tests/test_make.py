"""`make` as a newcomer types it, in a copy of the project whose packages need no network.

(pip itself comes over the network where the Python that runs this lacks ensurepip.)
"""

import os
import re
import shutil
import socket
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def make(
    *arguments: str, folder: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=False,
        # Not the variables of a `make test` that these tests may run in.
        env={key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
        | environment,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy in a folder with a space in its name, that wants one small package and no Debian's."""
    project = tmp_path / "a project"
    (project / "requirements").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", project)
    shutil.copytree(ROOT / "deploy", project / "deploy")
    for name in ("system.txt", "system-azure.txt", "system-dev.txt"):
        (project / "requirements" / name).write_text("# none\n")
    require(project, package(tmp_path, "first"))
    return project


DEBIAN = {
    "dpkg-query": """for name; do :; done
grep -qx "$name" {state} && printf installed""",
    # A package that others only provide has no candidate.
    "apt-cache": """shift
for name; do
  grep -qx "$name" {offer} && candidate=1 || candidate='(none)'
  printf '%s:\\n  Installed: (none)\\n  Candidate: %s\\n  Version table:\\n' "$name" "$candidate"
done""",
    "apt-get": """case "$*" in *install*) for name; do
  grep -x -- "$name" {offer} >> {state} && echo "Unpacking $name"
done; esac; exit 0""",
    "sudo": """shift
exec "$@\"""",
}
"""Programs that play a release of Debian: `offer` has its packages, `state` those installed."""


@pytest.fixture
def debian(tmp_path: Path) -> Callable[..., str]:
    """Makes a release with these packages, some of them installed, and says its PATH."""

    def release(*offer: str, installed: tuple[str, ...] = ()) -> str:
        folder = tmp_path / "debian"
        folder.mkdir()
        places = {"offer": folder / "offer", "state": folder / "state"}
        places["offer"].write_text("".join(f"{name}\n" for name in offer))
        places["state"].write_text("".join(f"{name}\n" for name in installed))
        for name, script in DEBIAN.items():
            program = folder / name
            program.write_text(f"#!/bin/sh\n{script.format(**places)}\n")
            program.chmod(0o755)
        return f"{folder}:{os.environ['PATH']}"

    return release


def package(folder: Path, name: str) -> Path:
    """A wheel that holds one empty module."""
    wheel = folder / f"{name}-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}.py", "")
        info = f"{name}-1.dist-info"
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n")
    return wheel


def require(project: Path, *wheels: Path) -> None:
    lines = "".join(f"{wheel.name.split('-')[0]} @ {wheel.as_uri()}\n" for wheel in wheels)
    (project / "requirements" / "dev.txt").write_text(lines)


def has(project: Path, module: str) -> bool:
    command = [str(project / ".venv" / "bin" / "python"), "-c", f"import {module}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_help_lists_every_goal() -> None:
    goals = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert goals is not None
    listed = re.findall(r"^make (\w+)", make("help").stdout, re.MULTILINE)
    assert set(listed) == set(goals[1].split()) - {"help", "prepare-tests"}


def test_a_taken_port_is_told_before_anything_is_installed(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = make("run", f"PORT={port}", folder=project)
    holder = rf" by \S+, process {os.getpid()}" if shutil.which("ss") else ""
    assert re.match(
        rf"\nPort {port} is already in use{holder}\. Stop that program, or choose another port: "
        rf"make run PORT={port + 1}\n",
        done.stderr,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert not (project / ".venv").exists()


@pytest.mark.parametrize("setting", ["HOST=somewhere", "PORT=http", "PORT=70000"])
def test_an_address_that_is_none_is_told(project: Path, setting: str) -> None:
    done = make("run", setting, folder=project)
    assert setting in done.stderr
    assert "HOST is an IPv4 address" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_start_installs_only_what_changed(project: Path, tmp_path: Path) -> None:
    assert make("prepare-tests", folder=project).returncode == 0
    assert has(project, "first")

    again = make("prepare-tests", folder=project)
    assert (again.returncode, again.stderr) == (0, "")
    assert "Processing" not in again.stdout

    require(project, package(tmp_path, "first"), package(tmp_path, "second"))
    changed = make("prepare-tests", folder=project)
    assert "Processing" in changed.stdout
    assert (has(project, "first"), has(project, "second")) == (True, True)


def test_an_installation_that_broke_off_is_redone_from_the_start(
    project: Path, tmp_path: Path
) -> None:
    missing = tmp_path / "second-1-py3-none-any.whl"
    require(project, tmp_path / "first-1-py3-none-any.whl", missing)
    broken = make("prepare-tests", folder=project)
    assert broken.returncode == 2
    assert "Then repeat the command: it goes on from here." in broken.stderr
    half_made = project / ".venv" / "half-made"
    half_made.touch()

    package(tmp_path, "second")
    assert make("prepare-tests", folder=project).returncode == 0
    assert (has(project, "first"), has(project, "second")) == (True, True)
    assert not half_made.exists()


@pytest.mark.parametrize("name", ["libasound2", "libasound2t64"])
def test_a_library_is_installed_by_the_name_it_has_in_this_release(
    project: Path, debian: Callable[..., str], name: str
) -> None:
    """Debian 13 and Ubuntu 24.04 have given it another."""
    shutil.copy(ROOT / "requirements" / "system-azure.txt", project / "requirements")
    path = debian(name, "ca-certificates")
    done = make("prepare-tests", folder=project, PATH=path)
    assert re.findall("Unpacking (.*)", done.stdout) == [name, "ca-certificates"]
    assert "incomplete" not in done.stdout
    again = make("prepare-tests", folder=project, PATH=path)
    assert "Unpacking" not in again.stdout


def test_a_library_that_is_there_by_either_name_is_not_missed(
    project: Path, debian: Callable[..., str]
) -> None:
    shutil.copy(ROOT / "requirements" / "system-azure.txt", project / "requirements")
    for name in ("libasound2", "libasound2t64"):
        shutil.rmtree(project.parent / "debian", ignore_errors=True)
        path = debian("ca-certificates", installed=(name, "ca-certificates"))
        done = make("prepare-tests", folder=project, PATH=path)
        assert (done.returncode, "incomplete" in done.stdout) == (0, False)


def test_a_library_that_is_missing_is_told_by_both_names(
    project: Path, debian: Callable[..., str]
) -> None:
    shutil.copy(ROOT / "requirements" / "system-azure.txt", project / "requirements")
    done = make("prepare-tests", folder=project, PATH=debian("ca-certificates"), CI="")
    assert "incomplete without: libasound2t64 | libasound2\n" in done.stdout


def test_without_a_python_that_is_new_enough_it_says_which_one_is_needed(
    project: Path, tmp_path: Path
) -> None:
    old = tmp_path / "bin"
    old.mkdir()
    for name in ("make", "sh", "dirname", "cat"):
        (old / name).symlink_to(str(shutil.which(name)))
    python = old / "python3"
    python.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\n')
    python.chmod(0o755)
    done = make("run", folder=project, PATH=str(old))
    assert done.stderr.startswith(
        "AvatarTranslate needs Python 3.11 or newer; this machine has: Python 3.9.2.\n"
    )
    assert done.returncode == 2
