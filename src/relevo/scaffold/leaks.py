"""Columns that know the answer: those that alone fix the target so nearly that they were probably made from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relevo.domain.use_case import Task
from relevo.scaffold.facts import Facts, Floats

LEAST_ROWS = 60
SAME_ORDER = 0.999  # rank correlation with the target
LEFT_OVER = 0.02  # of the errors, or 0.001 of the variance, of knowing nothing
LEFT_VARIANCE = 0.001
LEAST_OTHERS = 5  # rows that are not of the commonest class


def gives_away(fact: Facts, target: Facts, task: Task) -> str:
    """How the column gives the target away; empty where it does not."""
    known = ~np.isnan(target.values) if not target.is_words else target.values >= 0
    if known.sum() < LEAST_ROWS:
        return ""
    groups = fact.codes()[known]
    if task == "classification":
        classes = target.codes()[known]
        in_order = not fact.is_words and len(np.unique(groups)) > len(groups) / 2
        fixed = (
            _parts_classes(groups, classes)
            if in_order
            else _fixes_class(groups, classes)
        )
        return "fixes the class" if fixed else ""
    answers = target.values[known].astype(np.float64)
    if not fact.is_words and _same_order(
        fact.values[known].astype(np.float64), answers
    ):
        return "rises and falls with the target"
    return (
        "fixes the number" if fact.is_words and _fixes_number(groups, answers) else ""
    )


def _parts_classes(values: NDArray[np.int64], classes: NDArray[np.int64]) -> bool:
    """Whether rows in the order of a number change their class as seldom as if it had been cut by that number."""
    in_order = classes[np.argsort(values, kind="stable")]
    changes = int((np.diff(in_order) != 0).sum())
    unknowing = len(classes) - np.bincount(classes).max()
    return bool(unknowing >= LEAST_OTHERS and changes <= max(1, LEFT_OVER * unknowing))


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
    return bool(
        unknowing >= LEAST_OTHERS and len(classes) - best.sum() <= LEFT_OVER * unknowing
    )


def _fixes_number(groups: NDArray[np.int64], answers: Floats) -> bool:
    size = np.bincount(groups)
    told = size[groups] >= 2
    if told.sum() < len(groups) / 2:
        return False
    groups, answers = groups[told], answers[told]
    means = np.bincount(groups, answers) / np.maximum(np.bincount(groups), 1)
    spread = float(answers.var())
    return bool(
        spread > 0
        and float(((answers - means[groups]) ** 2).mean()) <= LEFT_VARIANCE * spread
    )


def _same_order(values: Floats, answers: Floats) -> bool:
    both = ~np.isnan(values)
    if (
        both.sum() < max(LEAST_ROWS, 0.5 * len(values))
        or len(np.unique(values[both])) < 10
    ):
        return False
    return (
        abs(float(np.corrcoef(_ranks(values[both]), _ranks(answers[both]))[0, 1]))
        >= SAME_ORDER
    )


def _ranks(values: Floats) -> Floats:
    """Places in order; equal values share the middle of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle: Floats = ends - (counts - 1) / 2
    return middle[inverse]
