"""Folds and samples of rows by identity, so that rows about one thing always stay together."""

import numpy as np
from numpy.typing import NDArray

from relevo.domain.frame import MISSING, Categorical, Frame

Hashes = NDArray[np.uint64]
Folds = NDArray[np.int8]


def mixed(identity: NDArray[np.int64], salt: int) -> Hashes:
    """Another hash of the identity for each salt (splitmix64): a choice by one tells nothing of a choice by another."""
    offset = np.uint64((salt + 1) * 0x9E3779B97F4A7C15 % 2**64)
    x = identity.astype(np.uint64) + offset
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def fold_of(identity: NDArray[np.int64], folds: int, salt: int) -> Folds:
    return (mixed(identity, salt) % np.uint64(folds)).astype(np.int8)


def lowest(frame: Frame, rows: int, salt: int) -> Frame:
    """At most about `rows` rows, those of lowest hash; what shares an identity comes or stays as one."""
    if len(frame) <= rows:
        return frame
    hashes = mixed(frame.identity, salt)
    return frame.take(hashes <= np.partition(hashes, rows - 1)[rows - 1])


def split_off(frame: Frame, share: float, salt: int) -> tuple[Frame, Frame]:
    """The frame without a share of its identities, and that share; nothing is split off where nothing would be left."""
    chosen = mixed(frame.identity, salt) < np.uint64(share * 2**64)
    # a table about a single thing, or about very few
    if chosen.all():
        chosen[:] = False
    return frame.take(~chosen), frame.take(chosen)


def joined_frames(first: Frame, second: Frame) -> Frame:
    """The rows of both, with categories as in the first; the second's codes are translated."""
    categories = {
        name: _joined(column, second.categories[name])
        for name, column in first.categories.items()
    }
    numbers = {
        name: np.concatenate([values, second.numbers[name]])
        for name, values in first.numbers.items()
    }
    return Frame(
        numbers,
        categories,
        np.concatenate([first.target, second.target]),
        np.concatenate([first.identity, second.identity]),
        np.concatenate([first.batch, second.batch]),
        first.classes,
    )


def _joined(first: Categorical, second: Categorical) -> Categorical:
    code_of = {name: code for code, name in enumerate(first.categories)}
    table = [code_of.setdefault(name, len(code_of)) for name in second.categories]
    codes = np.array([*table, MISSING], dtype=np.int32)[second.codes]
    return Categorical(np.concatenate([first.codes, codes]), tuple(code_of))
