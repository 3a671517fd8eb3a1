"""The lock says what a model is made with: the same on each Python."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
# what computes a tree, a mean or a weight, or writes the file that serves
SHAPES_A_MODEL = {
    "numpy",
    "onnx",
    "onnxruntime",
    "scikit-learn",
    "scipy",
    "skl2onnx",
    "xgboost-cpu",
}


def test_every_python_trains_with_the_same_versions() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    versions: dict[str, list[str]] = defaultdict(list)
    for package in lock["package"]:
        versions[package["name"]].append(package.get("version", ""))
    assert versions.keys() >= SHAPES_A_MODEL
    assert {name: each for name, each in versions.items() if len(each) > 1} == {}
