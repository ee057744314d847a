"""The answer that hands files to a browser while they are written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Sequence

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from sessions_app.exports.order import ZIP_CONTENT_TYPE, File, zip_chunks, zip_name

COUNT_HEADER = "X-Export-Files"
"""How many files the ZIP of the answer will have, for who shows progress."""


def download(files: Sequence[File]) -> StreamingHttpResponse:
    """One file as it is, several as a ZIP; what cannot be begun fails before the answer does."""
    if len(files) == 1:
        name, content_type = files[0].name, files[0].format.content_type
        chunks = files[0].chunks()
    else:
        name, content_type = zip_name(files), ZIP_CONTENT_TYPE
        chunks = zip_chunks(files)
    response = StreamingHttpResponse(_given(next(chunks), chunks), content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(True, name) or ""
    response[COUNT_HEADER] = str(len(files))
    return response


async def _given(first: bytes, others: Generator[bytes]) -> AsyncIterator[bytes]:
    """In the request's own thread, which keeps its connection to the database."""

    def following() -> bytes:
        return next(others, b"")

    chunk = first
    try:
        while chunk:
            yield chunk
            chunk = await sync_to_async(following)()
    finally:
        await sync_to_async(others.close)()
