"""How figures and faults are printed."""

from __future__ import annotations

from tests.bench.listeners.tally import Tally


def title(text: str) -> None:
    print(f"\n{text}\n{'':<62} {'measured':>14} {'goal':>10}")


def row(what: str, measured: str, goal: str = "") -> None:
    print(f"  {what:<60} {measured:>14} {goal:>10}", flush=True)


def note(text: str) -> None:
    print(f"    {text}", flush=True)


def faults(tally: Tally) -> int:
    """Print what was wrong, and count it. A socket that the server closed is not, unless lost."""
    found = {what: count for what, count in tally.wrong.items() if count}
    for what, count in found.items():
        print(f"  FAULT: {count} {what}", flush=True)
    if tally.closed:
        note(f"closed by the server: {dict(tally.closed)}")
    return sum(found.values())
