"""A row's split follows from what it is about, never from its target: two models meet rows that neither has seen."""

import hashlib
from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

SEPARATOR = "\x1f"
MISSING_VALUE = "\x00"


class Split(StrEnum):
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


def canonical(value: object) -> str:
    """One spelling for each thing: 601, 601.0 and "601" are the same; so are " Seattle" and "seattle"."""
    if value is None or value != value:
        return MISSING_VALUE
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, (int, float)):
        if float(value).is_integer():
            return str(int(value))
        return repr(float(value))
    return str(value).strip().casefold()


def identities(salt: str, columns: Sequence[Sequence[object]]) -> NDArray[np.int64]:
    """The first 64 bits of SHA-256 over the salt and each row's identity columns."""
    prefix = hashlib.sha256(salt.encode())
    digests = bytearray()
    spelled = [map(canonical, column) for column in columns]
    for row in zip(*spelled, strict=True):
        digest = prefix.copy()
        digest.update(SEPARATOR.join(row).encode())
        digests += digest.digest()[:8]
    return np.frombuffer(bytes(digests), dtype=">i8").astype(np.int64)


def splits_of(
    identity: NDArray[np.int64], holdout_share: float, validation_share: float
) -> NDArray[np.str_]:
    """By where the identity lies in 0..1; the shares may grow without moving a test row to train."""
    position = (identity.astype(np.float64) + 2.0**63) / 2.0**64
    splits = np.full(len(identity), Split.TRAIN.value, dtype="<U10")
    splits[position < holdout_share] = Split.TEST.value
    splits[position >= 1 - validation_share] = Split.VALIDATION.value
    return splits
