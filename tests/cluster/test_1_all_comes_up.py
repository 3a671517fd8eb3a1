from tests.cluster.applications import all_well, declared
from tests.cluster.kubernetes import get
from tests.cluster.report import Report
from tests.cluster.repository import Repository


def test_one_apply_brings_every_application_in_sync_and_healthy(
    deployed: Repository, report: Report
) -> None:
    report.note(f"{len(declared())} Applications")

    assert all_well()


def test_no_pod_runs_against_pod_security(deployed: Repository) -> None:
    namespaces = [
        one
        for one in get("namespaces")
        if one["metadata"]["name"].startswith("relevo-")
    ]

    levels = {
        one["metadata"]["name"]: one["metadata"]["labels"].get(
            "pod-security.kubernetes.io/enforce"
        )
        for one in namespaces
    }
    assert len(levels) >= 7
    assert set(levels.values()) == {"restricted"}
