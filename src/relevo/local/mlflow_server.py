"""`mlflow server` over a database that is made whole first: python -m relevo.local.mlflow_server DATABASE …"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(database: Path, *arguments: str) -> None:
    """Becomes the server, in this very process."""
    if not database.exists():
        from relevo.adapters.mlflow.registry import (
            create_database,  # takes seconds to import, and is needed once
        )

        create_database(database)
    server = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--backend-store-uri",
        f"sqlite:///{database}",
        *arguments,
    ]
    os.execv(sys.executable, server)  # noqa: S606


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
