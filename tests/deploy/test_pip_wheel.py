"""pip for a machine without it, from an index served here."""

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DEPLOY = Path(__file__).resolve().parent.parent.parent / "deploy"


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of pip's page in an index that pip's settings name."""
    monkeypatch.syspath_prepend(DEPLOY)
    folder = tmp_path / "served" / "simple" / "pip"
    folder.mkdir(parents=True)
    handler = functools.partial(QuietHandler, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        settings = tmp_path / "pip.conf"
        settings.write_text(
            f"[global]\nindex-url = http://127.0.0.1:{server.server_port}/simple/\n"
        )
        monkeypatch.delenv("PIP_INDEX_URL", raising=False)
        monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
        yield folder
        server.shutdown()
        thread.join()


def offer(folder: Path, version: str, *, attribute: str = "", content: bytes | None = None) -> str:
    """Puts a wheel into the index; returns the link to it for the page."""
    name = f"pip-{version}-py3-none-any.whl"
    announced = f"pip {version}".encode()
    (folder / name).write_bytes(announced if content is None else content)
    digest = hashlib.sha256(announced).hexdigest()
    return f'<a href="{name}#sha256={digest}" {attribute}>{name}</a>\n'


def test_the_newest_release_is_fetched(index: Path, tmp_path: Path) -> None:
    from pip_wheel import fetch_pip

    links = [
        offer(index, "9.0.3"),
        offer(index, "25.1"),
        offer(index, "24.3.1"),
        offer(index, "26.0b1"),
        offer(index, "27.0", attribute='data-yanked="broken"'),
    ]
    (index / "index.html").write_text("".join(links))
    wheel = fetch_pip(tmp_path)
    assert (wheel.name, wheel.read_bytes()) == ("pip-25.1-py3-none-any.whl", b"pip 25.1")


def test_a_damaged_download_is_refused(index: Path, tmp_path: Path) -> None:
    from pip_wheel import fetch_pip

    (index / "index.html").write_text(offer(index, "25.1", content=b"something else"))
    with pytest.raises(ValueError, match="checksum differs"):
        fetch_pip(tmp_path)


def test_an_index_without_pip_is_told(index: Path, tmp_path: Path) -> None:
    from pip_wheel import fetch_pip

    (index / "index.html").write_text("<a href='other-1-py3-none-any.whl'>other</a>")
    with pytest.raises(LookupError, match="lists no pip"):
        fetch_pip(tmp_path)


def test_an_index_that_does_not_answer_is_an_error_of_the_network(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pip_wheel import fetch_pip

    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(OSError, match="refused"):
        fetch_pip(tmp_path)
