"""A glossary from a CSV file: read, compared with what is there, and only then stored.

Nothing is deleted by it: a term that the file does not have stays, and an empty cell leaves what
is there as it is.
"""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from sessions_app.models import Event, GlossaryTerm, GlossaryTranslation, Language

MOST_BYTES = 1_500_000
"""With its signature it fits into one form field of the page that asks whether to go on."""
MOST_ROWS = 5_000
LONGEST_CELL = 120
"""Characters; see the columns of GlossaryTerm and GlossaryTranslation."""
TERM, KEEP, SAY_AS = "term", "never translate", "say as"
SEPARATORS = ",;\t"
YES = {"yes", "y", "true", "1", "x", "keep", "✓"}
NO = {"no", "n", "false", "0"}
FORMULA_STARTS = "=+-@\t\r"
BATCH = 500
"""Rows that go to the database at once."""


class ImportRefused(Exception):
    """Nothing of this file can be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file; `keep` None, "" and a missing language leave what is there."""

    line: int
    term: str
    keep: bool | None
    say_as: str
    translations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that is left out, or a column, and why."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Change:
    """One value of a term before and after, by the name of its column."""

    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Changed:
    """What a row would do to a term: `keep` and `say_as` as they would be, and what is new."""

    row: Row
    keep: bool
    say_as: str
    changes: Sequence[Change]


@dataclass(slots=True)
class Plan:
    """What an import would do. `digest` is another as soon as it would do something else."""

    new: list[Changed] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def touched(self) -> int:
        """How many terms it would add or change."""
        return len(self.new) + len(self.changed)

    @property
    def digest(self) -> str:
        said = [[(one.row.term, one.changes) for one in rows] for rows in (self.new, self.changed)]
        return hashlib.sha256(repr(said).encode()).hexdigest()


def decode(data: bytes) -> str:
    """The text of an uploaded file. Raises ImportRefused."""
    if len(data) > MOST_BYTES:
        raise ImportRefused(
            f"The file is larger than {MOST_BYTES / 1_000_000:.1f} MB. "
            "Split it, and import one part after the other."
        )
    if not data.strip(b"\xef\xbb\xbf \t\r\n"):
        raise ImportRefused("The file is empty.")
    try:
        # What spreadsheets call Unicode text says so in its first two bytes.
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise ImportRefused(
            "The file is not UTF-8 text. In a spreadsheet choose “CSV UTF-8” when you save it, "
            "and take no other kind of file, such as XLSX."
        ) from None
    if "\x00" in text:
        raise ImportRefused(
            "The file is no text. In a spreadsheet choose “CSV UTF-8” when you save it."
        )
    return text


def plan_import(event: Event, text: str) -> Plan:
    """What importing this text into the event's glossary would do. Raises ImportRefused."""
    rows, problems = _read(text)
    plan = Plan(problems=problems)
    there = {term.term: term for term in event.glossary.prefetch_related("translations__language")}
    for row in rows:
        term = there.get(row.term)
        changes = _changes(row, term)
        there_keep, there_say_as = (term.keep, term.say_as) if term else (False, "")
        changed = Changed(
            row,
            keep=there_keep if row.keep is None else row.keep,
            say_as=row.say_as or there_say_as,
            changes=changes,
        )
        if term is None:
            plan.new.append(changed)
        elif changes:
            plan.changed.append(changed)
        else:
            plan.unchanged += 1
    return plan


def store(event: Event, plan: Plan) -> None:
    """Do what the plan says, all or nothing."""
    rows = [*plan.new, *plan.changed]
    with transaction.atomic():
        terms = GlossaryTerm.objects.bulk_create(
            [
                GlossaryTerm(event=event, term=one.row.term, keep=one.keep, say_as=one.say_as)
                for one in rows
            ],
            update_conflicts=True,
            unique_fields=["event", "term"],
            update_fields=["keep", "say_as"],
            batch_size=BATCH,
        )
        languages = dict(Language.objects.values_list("code", "pk"))
        GlossaryTranslation.objects.bulk_create(
            [
                GlossaryTranslation(term=term, language_id=languages[code], text=words)
                for term, one in zip(terms, rows, strict=True)
                for code, words in one.row.translations.items()
            ],
            update_conflicts=True,
            unique_fields=["term", "language"],
            update_fields=["text"],
            batch_size=BATCH,
        )


def _changes(row: Row, term: GlossaryTerm | None) -> list[Change]:
    there = _values(term) if term else {}
    wanted = {SAY_AS: row.say_as, **row.translations}
    if row.keep is not None:
        wanted[KEEP] = "yes" if row.keep else "no"
    found = []
    for column, after in wanted.items():
        before = there.get(column, "no" if column == KEEP else "")
        if after and after != before:
            found.append(Change(column, before, after))
    return found


def _values(term: GlossaryTerm) -> dict[str, str]:
    return {
        KEEP: "yes" if term.keep else "no",
        SAY_AS: term.say_as,
        **{said.language.code: said.text for said in term.translations.all()},
    }


def _read(text: str) -> tuple[list[Row], list[Problem]]:
    first = text.strip().partition("\n")[0]
    lines = _lines(text, max(SEPARATORS, key=first.count))
    _, names = next(lines, (1, []))
    columns, problems = _columns(names)
    rows: dict[str, Row] = {}
    for count, (line, cells) in enumerate(lines):
        if count >= MOST_ROWS:
            raise ImportRefused(
                f"The file has more than {MOST_ROWS} lines. "
                "Split it, and import one part after the other."
            )
        try:
            row = _row(line, columns, cells)
            _check_new(row, rows)
        except _LeftOut as reason:
            problems.append(Problem(line, str(reason)))
        else:
            rows[row.term] = row
    if not rows and not problems:
        raise ImportRefused("The file has no terms: there is nothing below its first line.")
    return list(rows.values()), problems


def _lines(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of every line that is not empty, with its number. Raises ImportRefused."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ImportRefused(
                f"The file is broken at line {line} ({error}): look for a quotation mark that is "
                "opened and not closed."
            ) from None
        if any(cell.strip() for cell in cells):
            yield line, cells


def _columns(names: Sequence[str]) -> tuple[list[str], list[Problem]]:
    """What each column holds: one of ours, a language's code, or "" for none."""
    known = {TERM: TERM, KEEP: KEEP, SAY_AS: SAY_AS}
    for code, name, native in Language.objects.values_list("code", "name", "native_name"):
        known |= {code.lower(): code, name.lower(): code}
        known.setdefault(native.lower(), code)
    columns, problems = [], []
    for name in names:
        column = known.get(" ".join(name.lower().replace("_", " ").split()), "")
        if name.strip() and not column:
            problems.append(
                Problem(
                    1,
                    f"The column “{name.strip()[:40]}” is left out: name it after a language of "
                    "the catalogue, such as es-ES.",
                )
            )
        if column and column in columns:
            raise ImportRefused(f"The file has two columns for “{column}”: remove one.")
        columns.append(column)
    if TERM not in columns:
        raise ImportRefused(
            "The first line must name the columns, and one of them must be “term”. "
            "Export the glossary to see how it looks."
        )
    return columns, problems


class _LeftOut(Exception):
    """Why a line is not imported, in plain words."""


def _row(line: int, columns: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        raise _LeftOut("It has more cells than the first line has columns.")
    values = {
        column: clean_cell(column, cell)
        for column, cell in zip(columns, cells, strict=False)
        if column
    }
    term = values.pop(TERM, "")
    if not term:
        raise _LeftOut("It has no term.")
    keep = values.pop(KEEP, "").lower()
    if keep and keep not in YES | NO:
        raise _LeftOut(f"“{keep}” under “{KEEP}” is neither yes nor no.")
    say_as = values.pop(SAY_AS, "")
    translations = {code: text for code, text in values.items() if text}
    return Row(line, term, keep in YES if keep else None, say_as, translations)


def clean_cell(column: str, cell: str) -> str:
    """The cell as it is stored. A quote that keeps a spreadsheet from computing is taken off."""
    text = " ".join(cell.split())
    if is_disguised(text):
        text = text[1:]
    elif text.startswith("="):
        raise _LeftOut(
            f"“{text[:40]}” under “{column}” is a formula: write the words themselves. "
            "Words that begin with = take a ' before it."
        )
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise _LeftOut(f"There is a control character under “{column}”.")
    if len(text) > LONGEST_CELL:
        raise _LeftOut(f"“{text[:30]}…” under “{column}” is longer than {LONGEST_CELL} characters.")
    return text


def is_disguised(cell: str) -> bool:
    """Whether quotes stand before what a spreadsheet would otherwise take for a formula."""
    words = cell.lstrip("'")
    return cell.startswith("'") and words[:1] != "" and words[0] in FORMULA_STARTS


def _check_new(row: Row, rows: Mapping[str, Row]) -> None:
    earlier = rows.get(row.term)
    if earlier is None:
        return
    same = (earlier.keep, earlier.say_as, earlier.translations) == (
        row.keep,
        row.say_as,
        row.translations,
    )
    raise _LeftOut(
        f"It is the same as line {earlier.line}."
        if same
        else f"“{row.term}” stands in line {earlier.line} already, with other words: "
        "that line counts."
    )
