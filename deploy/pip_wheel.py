"""Fetches pip for a machine that has neither pip nor ensurepip, as Debian's python3 alone is.

pip's own settings are obeyed as far as they say where packages are: index, client proxy and
certificates; from PIP_* variables and pip's configuration files.
"""

import configparser
import hashlib
import os
import re
import ssl
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from pathlib import Path

_WHEEL = re.compile(r"pip-(\d+(?:\.\d+)*)-py3-none-any\.whl$")


def fetch_pip(folder: Path) -> Path:
    """The newest pip as a wheel in `folder`; a wheel runs as it is, as `python <wheel>/pip`.

    Raises OSError when the index cannot be reached, LookupError when it has no fitting pip, and
    ValueError when what came is not what the index announced.
    """
    urlopen = _opener().open
    page_url = f"{_configured('index-url', 'https://pypi.org/simple').rstrip('/')}/pip/"
    with urlopen(page_url, timeout=60) as response:
        links = _Links(response.read().decode())
    wheels = [
        (tuple(map(int, found[1].split("."))), link)
        for link in links.hrefs
        if (found := _WHEEL.search(urllib.parse.urlsplit(link).path))
    ]
    if not wheels:
        raise LookupError(f"{page_url} lists no pip")
    link = urllib.parse.urlsplit(urllib.parse.urljoin(page_url, max(wheels)[1]))
    with urlopen(link._replace(fragment="").geturl(), timeout=60) as response:
        content = response.read()
    algorithm, _, digest = link.fragment.partition("=")
    if algorithm == "sha256" and hashlib.sha256(content).hexdigest() != digest:
        raise ValueError("The downloaded pip is damaged: its checksum differs")
    wheel = folder / Path(link.path).name
    wheel.write_bytes(content)
    return wheel


def _configured(option: str, default: str = "") -> str:
    """A pip option as pip would find it: the environment first, then the nearest file."""
    if from_environment := os.environ.get(f"PIP_{option.upper().replace('-', '_')}"):
        return from_environment
    config_home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    files = configparser.ConfigParser(interpolation=None, strict=False)
    files.read(
        [
            *(
                Path(folder) / "pip/pip.conf"
                for folder in os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")
            ),
            "/etc/pip.conf",
            Path.home() / ".pip/pip.conf",
            config_home / "pip/pip.conf",
            os.environ.get("PIP_CONFIG_FILE", os.devnull),
        ]
    )
    for section in ("install", "global"):
        if value := files.get(section, option, fallback=""):
            return value
    return default


def _opener() -> urllib.request.OpenerDirector:
    trust = ssl.create_default_context()
    if certificates := _configured("cert"):
        trust.load_verify_locations(certificates)
    handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=trust)]
    if proxy := _configured("proxy"):
        handlers.append(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
    return urllib.request.build_opener(*handlers)


class _Links(HTMLParser):
    """The targets of a page's links, those of withdrawn ("yanked") files left out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "a" and "data-yanked" not in attributes and (href := attributes.get("href")):
            self.hrefs.append(href)
