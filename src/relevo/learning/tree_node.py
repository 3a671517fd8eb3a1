"""A booster's trees as one ONNX node, threshold by threshold, so that both forms take the same turns."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relevo.learning.onnx_graph import ML, Graph

# XGBoost goes left below a threshold, and right at it
LEAF, BRANCH = "LEAF", "BRANCH_LT"


def add_trees(graph: Graph, matrix: str, model_json: bytes, outputs: int) -> str:
    """The sum of the trees' leaves, [n, outputs]. The booster's base score must be zero: it is not added."""
    booster = json.loads(model_json)["learner"]["gradient_booster"]["model"]
    outputs_of = booster["tree_info"]
    trees = [
        _nodes(tree, number, outputs_of[number])
        for number, tree in enumerate(booster["trees"])
    ]
    attributes = {
        name: np.concatenate([tree[name] for tree in trees]).tolist()
        for name in trees[0]
    }
    return graph.add(
        "TreeEnsembleRegressor", matrix, domain=ML, n_targets=outputs, **attributes
    )


def _nodes(tree: dict[str, Any], number: int, output: int) -> dict[str, NDArray[Any]]:
    """A tree in the attributes of the node; where XGBoost keeps a leaf's value, it keeps a branch's threshold."""
    left = np.array(tree["left_children"])
    is_leaf = left < 0
    values = np.array(tree["split_conditions"], dtype=np.float32)
    numbers = np.full(len(left), number)
    ids = np.arange(len(left))
    branches = {
        "nodes_featureids": tree["split_indices"],
        "nodes_values": values,
        "nodes_truenodeids": left,
        "nodes_falsenodeids": tree["right_children"],
        "nodes_missing_value_tracks_true": tree["default_left"],
    }
    return {
        "nodes_treeids": numbers,
        "nodes_nodeids": ids,
        "nodes_modes": np.where(is_leaf, LEAF, BRANCH),
        **{name: np.where(is_leaf, 0, column) for name, column in branches.items()},
        "target_treeids": numbers[is_leaf],
        "target_nodeids": ids[is_leaf],
        "target_ids": np.full(is_leaf.sum(), output),
        "target_weights": values[is_leaf],
    }
