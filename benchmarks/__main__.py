"""Run the benchmarks that are named, or all."""

import subprocess
import sys

ALL = ("accuracy", "ingest", "history", "overhead", "campaign", "airflow", "serving")

for name in sys.argv[1:] or ALL:
    if name not in ALL:
        raise SystemExit(f"no benchmark {name!r}; there are {', '.join(ALL)}")
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
