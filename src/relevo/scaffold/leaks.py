"""Columns that know the answer: those that alone fix the target so nearly that they were probably made from it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from relevo.domain.use_case import Task
from relevo.scaffold.facts import ColumnFacts, SampleValues

FEWEST_ROWS = 60
SAME_ORDER = 0.999  # rank correlation with the target
LEFT_OVER = 0.02  # of the errors of knowing nothing
LEFT_VARIANCE = 0.001
FEWEST_OTHERS = 5  # rows that are not of the commonest class
Codes = NDArray[np.int64]


def gives_away(fact: ColumnFacts, target: ColumnFacts, task: Task) -> str:
    """How the column gives the target away; empty where it does not."""
    known = target.known
    if known.sum() < FEWEST_ROWS:
        return ""
    groups = fact.codes()[known]
    if task == "classification":
        classes = target.codes()[known]
        fixes: Callable[[Codes, Codes], bool] = _fixes_class
        if not fact.is_words and len(np.unique(groups)) > len(groups) / 2:
            fixes = _parts_classes
        if fixes(groups, classes):
            return "fixes the class"
    elif fact.is_words:
        if _fixes_number(groups, target.values[known]):
            return "fixes the number"
    elif _same_order(fact.values[known], target.values[known]):
        return "rises and falls with the target"
    return ""


def _parts_classes(values: Codes, classes: Codes) -> bool:
    """Whether rows in the order of a number change their class as seldom as if it had been cut by that number."""
    changes = np.diff(classes[np.argsort(values, kind="stable")]) != 0
    others = len(classes) - np.bincount(classes).max()
    return bool(others >= FEWEST_OTHERS and changes.sum() <= max(1, LEFT_OVER * others))


def _in_company(groups: Codes) -> NDArray[np.bool_] | None:
    """Rows that share their group, for one alone proves nothing; None where most are alone."""
    company = np.bincount(groups)[groups] >= 2
    if company.sum() < len(groups) / 2:
        return None
    return company


def _fixes_class(groups: Codes, classes: Codes) -> bool:
    company = _in_company(groups)
    if company is None:
        return False
    groups, classes = groups[company], classes[company]
    pairs, rows = np.unique(np.stack([groups, classes]), axis=1, return_counts=True)
    best = np.zeros(int(groups.max()) + 1, np.int64)
    np.maximum.at(best, pairs[0], rows)
    others = len(classes) - np.bincount(classes).max()
    wrong = len(classes) - best.sum()
    return bool(others >= FEWEST_OTHERS and wrong <= LEFT_OVER * others)


def _fixes_number(groups: Codes, answers: SampleValues) -> bool:
    company = _in_company(groups)
    if company is None:
        return False
    groups, answers = groups[company], answers[company]
    means = np.bincount(groups, answers) / np.maximum(np.bincount(groups), 1)
    left = ((answers - means[groups]) ** 2).mean()
    return bool(answers.var() > 0 and left <= LEFT_VARIANCE * answers.var())


def _same_order(values: SampleValues, answers: SampleValues) -> bool:
    both = ~np.isnan(values)
    if both.sum() < max(FEWEST_ROWS, 0.5 * len(values)):
        return False
    if len(np.unique(values[both])) < 10:
        return False
    ranks = _ranks(values[both]), _ranks(answers[both])
    return bool(abs(np.corrcoef(*ranks)[0, 1]) >= SAME_ORDER)


def _ranks(values: SampleValues) -> SampleValues:
    """Places in order; equal values share the middle of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle: SampleValues = np.cumsum(counts) - (counts - 1) / 2
    return middle[inverse]
