"""A glossary as the CSV file that `glossary_import` reads."""

from __future__ import annotations

import csv
import io

from sessions_app.glossary_import import FORMULA_STARTS, KEEP, SAY_AS, TERM, is_disguised
from sessions_app.models import Event


def export_glossary(event: Event) -> str:
    """A line for each term, a column for each target language and every other that is used."""
    terms = list(event.glossary.prefetch_related("translations__language"))
    codes = list(
        event.languages.order_by("language__code").values_list("language__code", flat=True)
    )
    used = {said.language.code for term in terms for said in term.translations.all()}
    codes += sorted(used - set(codes))
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([TERM, KEEP, SAY_AS, *map(harmless, codes)])
    for term in terms:
        said = {row.language.code: row.text for row in term.translations.all()}
        cells = [term.term, "yes" if term.keep else "no", term.say_as]
        writer.writerow([harmless(cell) for cell in [*cells, *(said.get(c, "") for c in codes)]])
    return file.getvalue()


def harmless(cell: str) -> str:
    """Words that a spreadsheet would take for a formula get a quote before them."""
    # Words that have one already get another, so that reading them back gives the same.
    needs_one = cell != "" and (cell[0] in FORMULA_STARTS or is_disguised(cell))
    return f"'{cell}" if needs_one else cell
