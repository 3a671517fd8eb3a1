"""wrk from one core against a server on the other, a different body each request."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SERVER_CORE, CLIENT_CORE = "0", "1"
SCRIPT = """
local bodies, count = {}, 0
for line in io.lines("%s") do count = count + 1; bodies[count] = line end
local place = 0
request = function()
  place = place %% count + 1
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, bodies[place])
end
done = function(summary, latency, requests)
  local failed = summary.errors.status + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format('{"requests": %%d, "microseconds": %%d, "failed": %%d, "p50": %%f, "p99": %%f}\\n',
    summary.requests, summary.duration, failed, latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Speed:
    a_second: float
    p50_ms: float
    p99_ms: float


def require_wrk() -> None:
    for program in ("wrk", "taskset"):
        if shutil.which(program) is None:
            raise SystemExit(
                f"{program} is not installed: apt-get install {'wrk' if program == 'wrk' else 'util-linux'}"
            )


def load(url: str, bodies: Path, seconds: int, connections: int = 8) -> Speed:
    """Any answer that is not 2xx ends the benchmark."""
    script = bodies.with_suffix(".lua")
    script.write_text(SCRIPT % bodies)
    command = [
        "taskset",
        "-c",
        CLIENT_CORE,
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "-s",
        str(script),
        url,
    ]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = json.loads(output.strip().splitlines()[-1])
    if found["failed"] or not found["requests"]:
        raise SystemExit(
            f"{url}: {found['failed']} of {found['requests']} requests failed"
        )
    return Speed(
        found["requests"] / found["microseconds"] * 1e6,
        found["p50"] / 1000,
        found["p99"] / 1000,
    )
