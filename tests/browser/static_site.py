"""The static files on a server of their own, for modules that need nothing else of the product."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

STATIC = Path(__file__).resolve().parents[2] / "static"
EMPTY_PAGE = b"<!doctype html><title>modules</title>"


class _StaticFiles(SimpleHTTPRequestHandler):
    """The static files, and a page to load them into."""

    def __init__(self, *connection: object, page: bytes) -> None:
        self._page = page
        super().__init__(*connection, directory=str(STATIC))  # type: ignore[arg-type]

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(self._page)))
        self.end_headers()
        self.wfile.write(self._page)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def static_site(page: bytes = EMPTY_PAGE) -> Iterator[str]:
    """`http://127.0.0.1:<port>`, with `page` at `/`."""
    handler = functools.partial(_StaticFiles, page=page)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
