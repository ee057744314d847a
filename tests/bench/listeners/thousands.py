"""Five thousand listeners in six languages on the two cores that also make them."""

from __future__ import annotations

from tests.bench.listeners import table
from tests.bench.listeners.ground import Ground
from tests.bench.listeners.hall import open_hall
from tests.bench.listeners.stretch import Stretch
from tests.bench.listeners.tally import Delays

LISTENERS = 5_000
LANGUAGES = ("es-ES", "fr-FR", "pt-BR", "it-IT", "ca-ES", "gl-ES")
PROCESSES = 2
SECONDS = 60.0
AT_MOST_MS = 2_000


async def measure(ground: Ground, *, quick: bool) -> int:
    """Two server processes, Redis, PostgreSQL; nobody has a core of his own."""
    count, seconds = (300, 3.0) if quick else (LISTENERS, SECONDS)
    table.title(f"{count} listeners with sound, {len(LANGUAGES)} languages, {PROCESSES} processes")
    cores = range(PROCESSES)
    async with open_hall(
        ground,
        languages=LANGUAGES,
        processes=PROCESSES,
        cores=cores,
        other_cores=cores,
    ) as hall:
        await hall.crowd.join(count, LANGUAGES, speech=True)
        talk = Stretch(seconds=seconds, partials_per_s=2, finals_per_s=1 / 3, speech=True)
        heard = await hall.hear(talk)
    tally, published = heard.tally, heard.published
    for what, delays, sent in (
        ("partials", tally.partials, published.partials),
        ("finals", tally.finals, published.finals),
        ("speech", tally.speech, published.speech),
    ):
        all_of_them = sent * count / len(LANGUAGES)
        table.note(
            f"{what}: {Delays.of(delays)}; {len(delays) / all_of_them:.1%} of those published"
        )
    everything = Delays.of(tally.captions + tally.speech)
    table.row("p99 from published to received", f"{everything.p99:.0f} ms", f"{AT_MOST_MS} ms")
    frames = everything.count / heard.spent.passed
    table.row("frames delivered a second", f"{frames:.0f}")
    table.row("servers' CPU per frame", f"{1e6 * heard.spent.servers / everything.count:.1f} µs")
    table.note(
        f"cores: {heard.spent}; the publisher was late by {published.late_ms:.0f} ms at most"
    )
    return table.faults(tally)
