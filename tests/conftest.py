"""Real servers for the tests; each is started once a worker, on demand, and stopped at the end."""

pytest_plugins = [
    "tests.servers.postgres",
    "tests.servers.mariadb",
    "tests.servers.minio",
    "tests.servers.mlflow",
]
