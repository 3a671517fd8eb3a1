"""Run the benchmarks that are named, or all."""

import subprocess
import sys

ALL = (
    "accuracy",
    "ingest",
    "history",
    "overhead",
    "campaign",
    "airflow",
    "serving",
    "density",
)

names = [name for name in sys.argv[1:] if not name.startswith("-")]
options = [name for name in sys.argv[1:] if name.startswith("-")]
for name in names or ALL:
    if name not in ALL:
        raise SystemExit(f"no benchmark {name!r}; there are {', '.join(ALL)}")
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], check=True)
