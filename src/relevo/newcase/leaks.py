"""Columns that know the answer: those that alone fix the target so nearly that they were probably made from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relevo.domain.use_case import Task
from relevo.newcase.facts import Facts, Floats

LEAST_ROWS = 60
SAME_ORDER = 0.999  # rank correlation with the target
LEFT_OVER = 0.02  # of the errors, or 0.001 of the variance, of knowing nothing
LEFT_VARIANCE = 0.001
BIN_ROWS = 25


def gives_away(fact: Facts, target: Facts, task: Task) -> str:
    """How the column gives the target away; empty where it does not."""
    known = ~np.isnan(target.values) if not target.is_words else target.values >= 0
    if known.sum() < LEAST_ROWS:
        return ""
    groups = _groups(fact)[known]
    if task == "classification":
        return "fixes the class" if _fixes_class(groups, target.codes()[known]) else ""
    answers = target.values[known].astype(np.float64)
    if not fact.is_words and _same_order(fact.values[known].astype(np.float64), answers):
        return "rises and falls with the target"
    return "fixes the number" if fact.is_words and _fixes_number(groups, answers) else ""


def _groups(fact: Facts) -> NDArray[np.int64]:
    """Rows of like value: the words, or stretches of a number's order."""
    codes = fact.codes()
    distinct = int(codes.max()) + 1
    if fact.is_words or distinct <= len(codes) / BIN_ROWS:
        return codes
    order = np.argsort(codes, kind="stable")
    place = np.empty(len(codes), np.int64)
    place[order] = np.arange(len(codes))
    first_of_value = np.full(distinct, len(codes))
    np.minimum.at(first_of_value, codes, place)
    return first_of_value[codes] // BIN_ROWS  # equal values stay together


def _fixes_class(groups: NDArray[np.int64], classes: NDArray[np.int64]) -> bool:
    size = np.bincount(groups)
    told = size[groups] >= 2  # a row that is alone in its group proves nothing
    if told.sum() < len(groups) / 2:
        return False
    groups, classes = groups[told], classes[told]
    pairs, rows = np.unique(np.stack([groups, classes]), axis=1, return_counts=True)
    best = np.zeros(int(groups.max()) + 1, np.int64)
    np.maximum.at(best, pairs[0], rows)
    unknowing = len(classes) - np.bincount(classes).max()
    return bool(unknowing >= 5 and len(classes) - best.sum() <= LEFT_OVER * unknowing)


def _fixes_number(groups: NDArray[np.int64], answers: Floats) -> bool:
    size = np.bincount(groups)
    told = size[groups] >= 2
    if told.sum() < len(groups) / 2:
        return False
    groups, answers = groups[told], answers[told]
    means = np.bincount(groups, answers) / np.maximum(np.bincount(groups), 1)
    spread = float(answers.var())
    return bool(spread > 0 and float(((answers - means[groups]) ** 2).mean()) <= LEFT_VARIANCE * spread)


def _same_order(values: Floats, answers: Floats) -> bool:
    both = ~np.isnan(values)
    if both.sum() < max(LEAST_ROWS, 0.5 * len(values)) or len(np.unique(values[both])) < 10:
        return False
    return abs(float(np.corrcoef(_ranks(values[both]), _ranks(answers[both]))[0, 1])) >= SAME_ORDER


def _ranks(values: Floats) -> Floats:
    """Places in order; equal values share the middle of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle: Floats = ends - (counts - 1) / 2
    return middle[inverse]
