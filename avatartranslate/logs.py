"""Keeps speakers' secret links out of the log."""

import logging
import re

_TOKEN = re.compile(r"(/(?:ws/speak|speaker)/)[^/\s\"']+")


class HideSpeakerTokens(logging.Filter):
    """Replaces the token in any path `/speaker/<token>` or `/ws/speak/<token>` by `***`."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        hidden = _TOKEN.sub(r"\1***", message)
        if hidden != message:
            record.msg, record.args = hidden, None
        return True
