"""The Applications there should be, by their files, and how they are."""

from __future__ import annotations

import re

from tests.cluster.kubernetes import get
from tests.cluster.repository import ROOT


def declared() -> set[str]:
    files = [
        *(ROOT / ".argocd-apps").glob("*.yaml"),
        *(ROOT / "k8s" / "overlays").glob("*/*/application.yaml"),
    ]
    texts = [file.read_text() for file in files]
    applications = [
        text for text in texts if re.search(r"^kind: Application$", text, re.M)
    ]
    return {re.findall(r"^  name: (\S+)", text, re.M)[0] for text in applications} - {
        "any"
    }  # any: defaults.yaml


def all_well() -> bool:
    """AssertionError with what is not in sync and healthy."""
    states = dict.fromkeys(declared(), "missing")
    for one in get("applications.argoproj.io", namespace="argocd"):
        sync, health = (
            one.get("status", {}).get(part, {}).get("status")
            for part in ("sync", "health")
        )
        states[one["metadata"]["name"]] = f"{sync}, {health}"
    unwell = {
        name: state for name, state in states.items() if state != "Synced, Healthy"
    }
    assert not unwell, unwell
    return True
