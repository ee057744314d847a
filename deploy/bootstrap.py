"""Brings a bare machine to `make run` and `make test`, with nothing but Python's own library.

Every step looks at what is there first, so that a second start takes seconds. What fails says what
to do next, and the same command goes on from there.
"""
# ruff: noqa: T201, S603, S606, S607

import argparse
import contextlib
import errno
import hashlib
import ipaddress
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from pip_wheel import fetch_pip

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
APT_LISTS = Path("/var/lib/apt/lists")
AGAIN = "Then repeat the command: it goes on from here."
UNFINISHED = VENV / "unfinished"
"""There while packages are being installed: found at a start, the environment may be half made."""

ADVICE = {
    r"No space left on device|not enough free space|don't have enough free space": (
        "The disk is full. `make run` needs about 1 GB, `make test` 2 GB."
    ),
    r"dpkg was interrupted": (
        "An earlier installation was cut off. Mend it: sudo dpkg --configure -a"
    ),
    r"Could not get lock|Unable to acquire the dpkg frontend lock|Unable to lock": (
        "Another program is installing packages, perhaps automatic updates. Wait until it is done."
    ),
    r"CERTIFICATE_VERIFY_FAILED|certificate verif": (
        "The package server's certificate is not trusted here. Install ca-certificates, or your "
        "proxy's own certificate."
    ),
    r"[Nn]ame resolution|Temporary failure resolving|Name or service not known|Could not resolve"
    r"|Network is unreachable|Failed to establish a new connection|urlopen error|[Tt]imed out"
    r"|Connection refused|Failed to fetch": (
        "The package servers cannot be reached. Check the network connection and proxy settings."
    ),
    r"No matching distribution found|Failed building wheel": (
        "A package has no ready-made build for this Python or processor. Python 3.11 to 3.14 on "
        "64-bit Linux have all of them."
    ),
    r"Unable to locate package|has no installation candidate": (
        "This system's package lists lack some of these packages: Debian 12, Ubuntu 24.04 and "
        "newer have them (on Ubuntu in the component `universe`)."
    ),
}


class SetupError(Exception):
    """Why a step failed and what to do about it, in words that can be shown as they are."""


def run(*command: str | Path) -> None:
    """Runs a command with its output shown as it comes. Raises SetupError if it fails."""
    tail: deque[str] = deque(maxlen=100)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        try:
            for line in process.stderr or ():
                sys.stderr.write(line)
                tail.append(line)
            process.wait()
        except BaseException:
            # Ctrl-C has reached it too; a `kill` has not. One run by sudo may not be signalled.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                process.terminate()
            process.wait()
            raise
    if process.returncode != 0:
        said = "".join(tail)
        called = shlex.join(map(str, command))
        raise SetupError(f"{advise(said) or f'`{called:.60}…` failed, see above.'}\n{AGAIN}")


def advise(said: str) -> str:
    """What to do about what a program said on failing; the empty string where nothing is known."""
    return next((advice for sign, advice in ADVICE.items() if re.search(sign, said)), "")


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Shows a step's title and how long it took."""
    print(f"\n\033[1m{title}\033[0m" if sys.stdout.isatty() else f"\n{title}", flush=True)
    began = time.monotonic()
    yield
    print(f"    done in {time.monotonic() - began:.1f} s", flush=True)


def check_address(host: str, port: int) -> None:
    """Raises SetupError if the server could not listen there, before anything long starts."""
    with socket.socket() as probe:
        # As the server itself binds: connections still closing are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except PermissionError as error:
            raise SetupError(
                f"Only root may use port {port}. Choose another: make run PORT=8001"
            ) from error
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise SetupError(f"{host} is no address of this machine.") from error
            raise SetupError(
                f"Port {port} is already in use{_holder(port)}. Stop that program, or choose "
                f"another port: make run PORT={port + 1}"
            ) from error


def _holder(port: int) -> str:
    """Who listens on the port, as far as this user may know."""
    if not shutil.which("ss"):
        return ""
    listed = subprocess.run(
        ["ss", "-Hltnp", f"sport = :{port}"], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r'\(\("([^"]+)",pid=(\d+)', listed)
    return f" by {found[1]}, process {found[2]}" if found else ""


def install_debian_packages(names: Sequence[str], without: str) -> bool:
    """Installs what is missing where this user may; otherwise says the one line to type.

    One of `a | b`, whichever this release has, is enough. `without` says what does not work
    without these packages. Returns whether all are there.
    """
    if not shutil.which("apt-get"):
        print(f"    There is no apt here. {without} needs Debian or Ubuntu, or the container.")
        return False
    missing = [name for name in names if not _installed(name)]
    if not missing:
        return True
    as_root = _as_root()
    has_lists = any(APT_LISTS.glob("*_Packages*"))
    if as_root is None:
        if offered := _on_offer(missing) if has_lists else missing:
            # Which of several names this release has is found out by `satisfy`.
            wanted = f'satisfy --no-install-recommends "{", ".join(offered)}"'
            line = f"apt-get update && apt-get {wanted}"
            line = f"sudo sh -c '{line}'" if shutil.which("sudo") else f"su -c '{line}'"
            print(
                f"    {without} needs packages that only root may install. Type once:\n\n{line}\n"
            )
    elif _on_offer(missing) or not has_lists:
        apt = [*as_root, "env", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
        apt += ["-o", "Acquire::Retries=1", "-o", "DPkg::Lock::Timeout=120"]
        try:
            run(*apt, "-o", "APT::Update::Error-Mode=any", "update")
        except SetupError as error:
            # A list that cannot be renewed, perhaps somebody's own, need not be one that matters.
            print(f"    {error}")
        try:
            run(*apt, "install", "--no-install-recommends", "-y", *_on_offer(missing))
        except SetupError as error:
            print(f"    {error}")
    lacking = [name for name in missing if not _installed(name)]
    if lacking:
        print(f"    {without} will be incomplete without: {', '.join(lacking)}")
    return not lacking


def _installed(name: str) -> bool:
    """Whether this package is there, or one of several that do for it."""
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status}"]
    return any(
        subprocess.run([*query, one], capture_output=True, text=True, check=False).stdout
        == "installed"
        for one in name.split(" | ")
    )


def _on_offer(names: Sequence[str]) -> list[str]:
    """Those of the packages that this system's package lists have; releases differ in a few.

    Of several names for one package the first that there is.
    """
    query = ["apt-cache", "policy", *(one for name in names for one in name.split(" | "))]
    answer = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    candidates = dict(re.findall(r"^(\S+):\n.*\n  Candidate: (.*)", answer, re.MULTILINE))
    there = {name for name, candidate in candidates.items() if candidate != "(none)"}
    found = ([one for one in name.split(" | ") if one in there] for name in names)
    return [ones[0] for ones in found if ones]


def _as_root() -> list[str] | None:
    """What to put before a command to run it as root without being asked anything, if possible."""
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and not subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode
    ):
        return ["sudo", "-n"]
    return None


def listed(file: str) -> list[str]:
    """The packages in a requirements file of one package a line."""
    lines = (ROOT / "requirements" / file).read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def make_environment() -> None:
    """Makes .venv, anew where it is broken or half made. Works without python3-venv and pip."""
    if not UNFINISHED.exists() and _works(PYTHON, "import pip"):
        return
    if not _works(sys.executable, "import venv"):
        raise SetupError(
            "This Python has no venv module. Install it: sudo apt-get install python3-venv"
        )
    with_pip = _works(sys.executable, "import ensurepip")
    if VENV.exists():
        shutil.rmtree(VENV)
    VENV.mkdir()
    UNFINISHED.touch()
    run(sys.executable, "-m", "venv", *([] if with_pip else ["--without-pip"]), VENV)
    if with_pip:
        return
    if _works(sys.executable, "import pip"):
        run(sys.executable, "-m", "pip", "--python", PYTHON, "install", "-q", "pip")
        return
    try:
        with tempfile.TemporaryDirectory() as folder:
            wheel = fetch_pip(Path(folder))
            run(PYTHON, wheel / "pip", "install", "-q", "--no-index", wheel)
    except (OSError, LookupError, ValueError) as error:
        raise SetupError(
            f"pip could not be fetched ({error}). {advise(str(error))}\n"
            f"Installing python3-venv also helps: sudo apt-get install python3-venv\n{AGAIN}"
        ) from error


def _works(python: str | Path, code: str) -> bool:
    try:
        return not subprocess.run([python, "-c", code], capture_output=True, check=False).returncode
    except OSError:
        return False


def install_python_packages(file: str) -> None:
    """Installs a pinned requirements file into .venv, unless exactly this was done before."""
    requirements = ROOT / "requirements" / file
    version = subprocess.check_output([PYTHON, "-VV"])
    wanted = hashlib.sha256(requirements.read_bytes() + version).hexdigest()
    stamp = VENV / f"installed-{file}"
    if not UNFINISHED.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    UNFINISHED.touch()
    options = ["--no-input", "--disable-pip-version-check"]
    run(PYTHON, "-m", "pip", "install", *options, "-r", requirements)
    UNFINISHED.unlink()
    stamp.write_text(wanted)


def lan_address() -> str:
    """This machine's address in the local network, or the empty string without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: it only asks which way a packet would leave.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def check_ownership() -> None:
    """Raises SetupError where an earlier run by another user left what this one cannot change."""
    for path in (ROOT, VENV, ROOT / "var"):
        if path.exists() and not os.access(path, os.W_OK | os.X_OK):
            raise SetupError(
                f"This user may not write to {path}. Run the command as {path.owner()}, or make "
                f"the folder yours: sudo chown -R {os.getuid()} {shlex.quote(str(ROOT))}"
            )


def setting(name: str) -> str:
    """From the environment or else from `.env`, which Django reads later; "" if in neither."""
    if name in os.environ:
        return os.environ[name]
    file = ROOT / ".env"
    for line in file.read_text().splitlines() if file.exists() else []:
        key, _, value = line.removeprefix("export ").partition("=")
        if key.strip() == name:
            return value.strip().strip("\"'")
    return ""


def prepare_run(host: str, port: int) -> None:
    """Everything before the server, then becomes the server."""
    check_address(host, port)
    azure = setting("SPEECH_BACKEND") == "azure"
    with step("1/4 Debian packages (translation)"):
        if not install_debian_packages(listed("system.txt"), "Translation"):
            print("    Where translation is missing, captions are shown as they were spoken.")
        if azure:
            install_debian_packages(listed("system-azure.txt"), "Azure Speech")
    with step("2/4 Python environment"):
        make_environment()
    with step("3/4 Python packages"):
        install_python_packages("embedded.txt")
        if azure:
            install_python_packages("azure.txt")
    everywhere = ipaddress.ip_address(host).is_unspecified
    here = f"http://{'127.0.0.1' if everywhere else host}:{port}/"
    network = lan_address() if everywhere else "" if host.startswith("127.") else host
    if everywhere and not network:
        print("\nThis computer is in no network: the links below work on it alone.")
    if network:
        hosts = setting("ALLOWED_HOSTS") or "localhost,127.0.0.1,[::1]"
        os.environ["ALLOWED_HOSTS"] = f"{hosts},{network}"
        # The speaker's page, open on this computer, must show phones an address they can reach.
        os.environ["PUBLIC_URL"] = setting("PUBLIC_URL") or f"http://{network}:{port}"
    os.umask(0o077)  # The database holds the speakers' secret links.
    with step("4/4 Database and demo event"):
        run(PYTHON, "manage.py", "migrate", "--verbosity=1")
    links = [f"--here={here}", *([f"--network=http://{network}:{port}/"] if network else [])]
    run(PYTHON, "manage.py", "welcome", *links)
    os.execv(PYTHON, [str(PYTHON), "manage.py", "runserver", "--noreload", f"{host}:{port}"])


def prepare_test() -> None:
    """Everything that the tests need, translation and a browser included."""
    with step("1/3 Debian packages (translation, Chromium, PostgreSQL, Redis, nginx)"):
        complete = install_debian_packages(
            listed("system.txt") + listed("system-azure.txt") + listed("system-dev.txt"),
            "Part of the tests",
        )
        if not complete and os.environ.get("CI"):
            raise SetupError("Continuous integration must not pass with tests left out.")
    with step("2/3 Python environment"):
        make_environment()
    with step("3/3 Python packages"):
        install_python_packages("dev.txt")


def _on_kill(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    goals = parser.add_subparsers(dest="goal", required=True)
    serve = goals.add_parser("run")
    serve.add_argument("--host", required=True)
    serve.add_argument("--port", required=True)
    goals.add_parser("test")
    options = parser.parse_args()
    os.chdir(ROOT)
    os.environ["LC_ALL"] = "C.UTF-8"  # ADVICE knows what apt and pip say in English.
    signal.signal(signal.SIGTERM, _on_kill)
    try:
        check_ownership()
        if options.goal == "test":
            prepare_test()
            return
        try:
            host = str(ipaddress.IPv4Address(options.host))
            port = int(options.port)
            if not 0 < port < 65536:
                raise ValueError(port)
        except ValueError as error:
            raise SetupError(
                f"HOST={options.host} PORT={options.port}: HOST is an IPv4 address, such as "
                "127.0.0.1 (this computer only) or 0.0.0.0 (the local network too), PORT a number."
            ) from error
        prepare_run(host, port)
    except SetupError as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped. The same command goes on from here.")


if __name__ == "__main__":
    main()
