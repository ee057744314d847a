"""What `make run` reads before Django does."""

import importlib
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parent.parent.parent / "deploy"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("PUBLIC_URL=https://talks.example.org", "https://talks.example.org"),
        ("PUBLIC_URL = 'https://talks.example.org/?a=b'", "https://talks.example.org/?a=b"),
        ('export PUBLIC_URL="https://talks.example.org"', "https://talks.example.org"),
        ("# PUBLIC_URL=https://talks.example.org", ""),
        ("OTHER=1", ""),
    ],
)
def test_settings_in_the_file_count_and_the_environment_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, value: str
) -> None:
    monkeypatch.syspath_prepend(DEPLOY)
    bootstrap = importlib.import_module("bootstrap")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    assert bootstrap.setting("PUBLIC_URL") == ""
    (tmp_path / ".env").write_text(f"DEBUG=false\n{line}\n")
    assert bootstrap.setting("PUBLIC_URL") == value
    monkeypatch.setenv("PUBLIC_URL", "http://192.168.1.20:8000")
    assert bootstrap.setting("PUBLIC_URL") == "http://192.168.1.20:8000"
