"""The lists of Python packages fit together: the container installs several of them at once."""

import re
from collections import defaultdict
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent.parent / "requirements"


def test_every_list_wants_the_same_version_of_a_package() -> None:
    wanted: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for file in REQUIREMENTS.glob("*.txt"):
        for line in file.read_text().splitlines():
            if pin := re.match(r"([\w.-]+)(?:\[.*\])?==(\S+)(.*)", line):
                name, version, where = pin.groups()
                wanted[name, where.strip()][version].add(file.name)
    assert wanted
    assert {name: dict(versions) for name, versions in wanted.items() if len(versions) > 1} == {}
