"""What is published in a stretch of a run, and what came of it; both travel as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field

GROUP = "bench"
"""Where the baselines listen."""
REGISTERED = '{"type":"replayed","seq":0}'
"""What a baseline says once a socket is in its group."""


@dataclass(frozen=True)
class Stretch:
    """What to publish, in each language; all languages of a caption at the same moment."""

    seconds: float
    partials_per_s: float = 0.0
    finals_per_s: float = 0.0
    speech: bool = False


@dataclass
class Published:
    """How many, over all languages; the stream's last seq of each; how late at worst."""

    partials: int = 0
    finals: int = 0
    speech: int = 0
    last_seqs: dict[str, int] = field(default_factory=dict)
    late_ms: float = 0.0
