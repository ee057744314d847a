"""A document to read, print and edit; two languages as a table."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import IO
from xml.sax.saxutils import escape

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


def write(transcript: Transcript, file: IO[bytes]) -> None:
    """A4. Control characters, which such a document cannot hold, are left out."""
    document = docx.Document()
    _describe(document, transcript)
    document.add_heading(_clean(transcript.title), 0)
    for fact in transcript.facts():
        last = document.add_paragraph(_clean(fact), style="Facts")
    last.paragraph_format.space_after = Pt(14)
    side_by_side = len(transcript.columns) > 1
    _save(document, _table(transcript) if side_by_side else _paragraphs(transcript), file)


def _save(document: Document, body: Iterator[str], file: IO[bytes]) -> None:
    """Write the document with this XML at its end.

    python-docx keeps a document in memory and searches it through before it adds anything: it would
    need minutes for a long talk. So it makes all but the talk, which is written between.
    """
    frame = io.BytesIO()
    document.save(frame)
    with zipfile.ZipFile(frame) as made, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for part in made.infolist():
            content = made.read(part)
            if part.filename != "word/document.xml":
                packed.writestr(part, content)
                continue
            before, end, after = content.rpartition(b"<w:sectPr")
            with packed.open(part, "w") as text:
                text.write(before)
                for piece in body:
                    text.write(piece.encode())
                text.write(end + after)


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


def _paragraphs(transcript: Transcript) -> Iterator[str]:
    for line in transcript.passages():
        if line is None:
            yield _paragraph(_run(LEFT_OUT, before="<w:tab/>"), 0)
        else:
            text = _run(str(line.texts[0]), before="<w:tab/>")
            yield _paragraph(_time(line) + text, 0)


def _table(transcript: Transcript) -> Iterator[str]:
    count = len(transcript.columns)
    rest = (_PAGE_WIDTH.twips - 2 * _MARGIN.twips - _TIME_WIDTH.twips) // count
    widths = [_TIME_WIDTH.twips, *[rest] * count]
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    yield (
        '<w:tbl><w:tblPr><w:tblW w:w="5000" w:type="pct"/><w:tblLayout w:type="fixed"/></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid>"
    )
    heads = [
        _paragraph(_run(column.native_name, style="<w:b/><w:bCs/>"), number)
        for number, column in enumerate(transcript.columns)
    ]
    yield _row("<w:tblHeader/>", widths, [_paragraph(""), *heads])
    for line in transcript.passages():
        texts = [
            _paragraph(_run(_shown(line.texts[number] if line else None)), number)
            for number in range(count)
        ]
        yield _row("", widths, [_paragraph(_time(line) if line else ""), *texts])
    yield f"</w:tbl>{_paragraph('')}"  # a document that ends with a table is broken


def _shown(text: Text | None) -> str:
    return LEFT_OUT if text is None or text.shown is None else str(text)


def _row(properties: str, widths: list[int], paragraphs: list[str]) -> str:
    cells = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>{paragraph}</w:tc>'
        for width, paragraph in zip(widths, paragraphs, strict=True)
    )
    return f"<w:tr><w:trPr><w:cantSplit/>{properties}</w:trPr>{cells}</w:tr>"


def _paragraph(runs: str, number: int | None = None) -> str:
    style = "" if number is None else f'<w:pPr><w:pStyle w:val="{_style(number)}"/></w:pPr>'
    return f"<w:p>{style}{runs}</w:p>"


def _time(line: Line) -> str:
    return _run(clock(line.start_ms), style=f'<w:rStyle w:val="{_TIME_STYLE}"/>')


def _run(text: str, *, style: str = "", before: str = "") -> str:
    properties = f"<w:rPr>{style}</w:rPr>" if style else ""
    shown = escape(_clean(text))
    return f'<w:r>{properties}{before}<w:t xml:space="preserve">{shown}</w:t></w:r>'


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
