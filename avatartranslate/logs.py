"""Keeps the keys in speakers', rehearsals' and exports' links out of the log."""

import logging
import re

_TOKEN = re.compile(r"(/(?:ws/speak|speaker|export)/|[?&]rehearsal=)[^/&\s\"']+")


class HideSpeakerTokens(logging.Filter):
    """Writes `***` for keys in `/speaker/<token>`, `/ws/speak/…`, `/export/…`, `?rehearsal=…`."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        hidden = _TOKEN.sub(r"\1***", message)
        if hidden != message:
            record.msg, record.args = hidden, None
        return True
