"""Text as every database can hold it."""

from __future__ import annotations

import re

REPLACEMENT = "\ufffd"  # stands for what cannot be stored
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # NUL, and halves of surrogate pairs


def storable(text: str) -> str:
    return UNSTORABLE.sub(REPLACEMENT, text)
