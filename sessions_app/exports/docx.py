"""A document to read, print and edit; two languages as a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

import docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from lxml import etree

from sessions_app.clock import clock
from sessions_app.exports.base import Format
from sessions_app.exports.transcript import LEFT_OUT, Column, Line, Text, Transcript

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_TIME_STYLE = "Time"
_TIME_WIDTH = Cm(1.9)
_PAGE_WIDTH, _PAGE_HEIGHT, _MARGIN = Cm(21), Cm(29.7), Cm(2.2)
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


def write(transcript: Transcript, file: IO[bytes]) -> None:
    """A4. Control characters, which such a document cannot hold, are left out."""
    document = docx.Document()
    _describe(document, transcript)
    document.add_heading(_clean(transcript.title), 0)
    for fact in transcript.facts():
        document.add_paragraph(_clean(fact), style="Facts")
    # python-docx looks for the end of the document before it adds anything to it, which takes
    # minutes for a long talk; from here on it is known.
    end = document.element.body[-1]
    for element in _table(transcript) if len(transcript.columns) > 1 else _paragraphs(transcript):
        end.addprevious(element)
    document.save(file)


def _describe(document: Document, transcript: Transcript) -> None:
    """Properties, page, styles, page numbers."""
    properties = document.core_properties
    properties.title = _clean(transcript.title)[:255]
    properties.author = _clean(transcript.speaker)[:255]
    properties.comments = ""
    properties.language = transcript.columns[0].language
    properties.created = properties.modified = transcript.session.started_at
    section = document.sections[0]
    section.page_width, section.page_height = _PAGE_WIDTH, _PAGE_HEIGHT
    section.left_margin = section.right_margin = section.top_margin = _MARGIN
    normal = document.styles["Normal"]
    normal.font.size = Pt(11)
    normal.paragraph_format.space_after = Pt(6)
    facts = document.styles.add_style("Facts", WD_STYLE_TYPE.PARAGRAPH)
    facts.base_style = normal
    facts.font.color.rgb = RGBColor(0x55, 0x60, 0x7A)
    facts.paragraph_format.space_after = Pt(0)
    time = document.styles.add_style(_TIME_STYLE, WD_STYLE_TYPE.CHARACTER)
    time.font.size = Pt(9)
    time.font.color.rgb = RGBColor(0x55, 0x60, 0x7A)
    for number, column in enumerate(transcript.columns):
        _add_style(document, number, column, hanging=len(transcript.columns) == 1)
    footer = section.footer.paragraphs[0]
    footer.add_run(_clean(transcript.title) + " · ").font.size = Pt(9)
    field = etree.SubElement(footer._p, qn("w:fldSimple"), {qn("w:instr"): "PAGE"})
    etree.SubElement(etree.SubElement(field, qn("w:r")), qn("w:t")).text = "1"


def _add_style(document: Document, number: int, column: Column, *, hanging: bool) -> None:
    """What the paragraphs in this language have in common: their direction, and its spelling."""
    style = document.styles.add_style(_style(number), WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = document.styles["Normal"]
    if hanging:
        style.paragraph_format.left_indent = _TIME_WIDTH
        style.paragraph_format.first_line_indent = -_TIME_WIDTH
        style.paragraph_format.tab_stops.add_tab_stop(_TIME_WIDTH)
    run = style.element.get_or_add_rPr()
    if column.right_to_left:
        paragraph = style.element.get_or_add_pPr()
        # The schema wants it before the indents.
        place = paragraph.find(qn("w:ind"))
        bidi = etree.Element(qn("w:bidi"))
        paragraph.append(bidi) if place is None else place.addprevious(bidi)
        etree.SubElement(run, qn("w:rtl"))
    script = "w:val"
    if column.right_to_left:
        script = "w:bidi"
    elif column.language.partition("-")[0] in {"zh", "yue", "ja", "ko"}:
        script = "w:eastAsia"
    etree.SubElement(run, qn("w:lang"), {qn(script): column.language})


def _paragraphs(transcript: Transcript) -> Iterator[etree._Element]:
    for line in transcript.passages():
        paragraph = _paragraph(0)
        if line is None:
            _run(paragraph, LEFT_OUT, tab=True)
        else:
            _run(paragraph, clock(line.start_ms), style=_TIME_STYLE)
            _run(paragraph, str(line.texts[0]), tab=True)
        yield paragraph


def _table(transcript: Transcript) -> Iterator[etree._Element]:
    table = etree.Element(qn("w:tbl"))
    settings = etree.SubElement(table, qn("w:tblPr"))
    etree.SubElement(settings, qn("w:tblW"), {qn("w:w"): "5000", qn("w:type"): "pct"})
    etree.SubElement(settings, qn("w:tblLayout"), {qn("w:type"): "fixed"})
    widths = _widths(len(transcript.columns))
    grid = etree.SubElement(table, qn("w:tblGrid"))
    for width in widths:
        etree.SubElement(grid, qn("w:gridCol"), {qn("w:w"): str(width)})
    head = etree.SubElement(table, qn("w:tr"))
    etree.SubElement(etree.SubElement(head, qn("w:trPr")), qn("w:tblHeader"))
    _run(_cell(head, widths[0]), "")
    for number, column in enumerate(transcript.columns):
        _run(_cell(head, widths[number + 1], number), column.native_name, bold=True)
    for line in transcript.passages():
        _row(table, widths, line)
    yield table
    yield _paragraph(0)  # what ends with a table is broken


def _row(table: etree._Element, widths: list[int], line: Line | None) -> None:
    row = etree.SubElement(table, qn("w:tr"))
    etree.SubElement(etree.SubElement(row, qn("w:trPr")), qn("w:cantSplit"))
    _run(_cell(row, widths[0]), clock(line.start_ms) if line else "", style=_TIME_STYLE)
    for number, width in enumerate(widths[1:]):
        text = line.texts[number] if line else None
        _run(_cell(row, width, number), _shown(text))


def _shown(text: Text | None) -> str:
    return LEFT_OUT if text is None or text.shown is None else str(text)


def _widths(columns: int) -> list[int]:
    """Of the time and of each column, in twentieths of a point."""
    time = _TIME_WIDTH.twips
    return [time, *[(_PAGE_WIDTH.twips - 2 * _MARGIN.twips - time) // columns] * columns]


def _cell(row: etree._Element, width: int, number: int | None = None) -> etree._Element:
    cell = etree.SubElement(row, qn("w:tc"))
    size = {qn("w:w"): str(width), qn("w:type"): "dxa"}
    etree.SubElement(etree.SubElement(cell, qn("w:tcPr")), qn("w:tcW"), size)
    paragraph = _paragraph(number)
    cell.append(paragraph)
    return paragraph


def _paragraph(number: int | None) -> etree._Element:
    paragraph = etree.Element(qn("w:p"))
    if number is not None:
        properties = etree.SubElement(paragraph, qn("w:pPr"))
        etree.SubElement(properties, qn("w:pStyle"), {qn("w:val"): _style(number)})
    return paragraph


def _run(
    paragraph: etree._Element,
    text: str,
    *,
    style: str | None = None,
    tab: bool = False,
    bold: bool = False,
) -> None:
    run = etree.SubElement(paragraph, qn("w:r"))
    if style or bold:
        properties = etree.SubElement(run, qn("w:rPr"))
        if style:
            etree.SubElement(properties, qn("w:rStyle"), {qn("w:val"): style})
        if bold:
            etree.SubElement(properties, qn("w:b"))
    if tab:
        etree.SubElement(run, qn("w:tab"))
    element = etree.SubElement(run, qn("w:t"), {_SPACE: "preserve"})
    element.text = _clean(text)


def _style(number: int) -> str:
    return f"Text{number + 1}"


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("", text)


FORMAT = Format(
    "docx",
    "Document (DOCX)",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    True,
    write,
)
