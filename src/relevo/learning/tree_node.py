"""A booster's trees as one ONNX node, threshold by threshold, so that both forms take the same turns."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relevo.learning.onnx_graph import ML, Graph

LEAF, BRANCH = "LEAF", "BRANCH_LT"


def add_trees(graph: Graph, matrix: str, model_json: bytes, outputs: int) -> str:
    """The sum of the trees' leaves, [n, outputs]. The booster's base score must be zero: it is not added."""
    booster = json.loads(model_json)["learner"]["gradient_booster"]["model"]
    outputs_of = booster["tree_info"]
    trees = [
        _tree(tree, number, outputs_of[number])
        for number, tree in enumerate(booster["trees"])
    ]
    nodes = {name: np.concatenate([tree[name] for tree in trees]) for name in trees[0]}
    leaves = nodes["mode"] == LEAF
    return graph.add(
        "TreeEnsembleRegressor",
        matrix,
        domain=ML,
        n_targets=outputs,
        nodes_treeids=nodes["tree"].tolist(),
        nodes_nodeids=nodes["node"].tolist(),
        nodes_featureids=nodes["feature"].tolist(),
        nodes_modes=nodes["mode"].tolist(),
        nodes_values=np.where(leaves, 0, nodes["value"]).astype(np.float32).tolist(),
        nodes_truenodeids=nodes["left"].tolist(),
        nodes_falsenodeids=nodes["right"].tolist(),
        nodes_missing_value_tracks_true=nodes["missing_left"].tolist(),
        target_treeids=nodes["tree"][leaves].tolist(),
        target_nodeids=nodes["node"][leaves].tolist(),
        target_ids=nodes["target"][leaves].tolist(),
        target_weights=nodes["value"][leaves].astype(np.float32).tolist(),
    )


def _tree(tree: dict[str, Any], number: int, target: int) -> dict[str, NDArray[Any]]:
    left = np.array(tree["left_children"])
    leaf = left < 0
    return {
        "tree": np.full(len(left), number),
        "node": np.arange(len(left)),
        "target": np.full(len(left), target),
        "feature": np.where(leaf, 0, tree["split_indices"]),
        "mode": np.where(leaf, LEAF, BRANCH),
        "value": np.array(tree["split_conditions"], dtype=np.float64),
        "left": np.where(leaf, 0, left),
        "right": np.where(leaf, 0, tree["right_children"]),
        "missing_left": np.where(leaf, 0, tree["default_left"]).astype(int),
    }
