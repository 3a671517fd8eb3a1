"""Real servers for the tests; each is started once a worker, on demand, and stopped at the end."""

from pathlib import Path

import pytest

ALONE = "airflow"  # one Airflow for all its tests, so all of them go to one worker

pytest_plugins = ["tests.servers.postgres", "tests.servers.mariadb", "tests.servers.minio"]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Workers take whole files; what shares the one Airflow stays together."""
    path = Path(item.path)
    item.add_marker(pytest.mark.xdist_group(ALONE if path.parent.name == ALONE else str(path)))
