"""Runs a file of SQL on the warehouse, as its owner, in one transaction."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import sqlalchemy as sa


def main(path: Path) -> None:
    with sa.create_engine(os.environ["RELEVO_WAREHOUSE_URL"]).begin() as connection:
        connection.exec_driver_sql(path.read_text())
    print(f"{path.name} is carried out")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
