"""Transcripts as files: one module per format, and what an organiser orders of them."""

from sessions_app.exports import csv, docx, json, srt, txt, vtt
from sessions_app.exports.base import Format

FORMATS: dict[str, Format] = {
    module.FORMAT.key: module.FORMAT for module in (txt, docx, srt, vtt, csv, json)
}
"""Every format, by its key."""
