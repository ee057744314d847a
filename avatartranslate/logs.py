"""Keeps the keys in speakers' and rehearsals' links out of the log."""

import logging
import re

_TOKEN = re.compile(r"(/(?:ws/speak|speaker)/|[?&]rehearsal=)[^/&\s\"']+")


class HideSpeakerTokens(logging.Filter):
    """Writes `***` for keys: `/speaker/<token>`, `/ws/speak/<token>`, `?rehearsal=<key>`."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        hidden = _TOKEN.sub(r"\1***", message)
        if hidden != message:
            record.msg, record.args = hidden, None
        return True
