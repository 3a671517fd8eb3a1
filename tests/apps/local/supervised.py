"""A supervisor over programs that are small, quick and told how to behave. Run as a script: HOME BEHAVIOUR=PORT …"""

from __future__ import annotations

import sys
from pathlib import Path

from relevo.local.programs import Program
from relevo.local.supervisor import supervise
from relevo.settings import Settings

SERVER = """
import http.server, os, signal, subprocess, sys, threading, time
port, behaviour = int(sys.argv[1]), sys.argv[2]
if behaviour == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
# as Airflow's tasks do: a child in a process group of its own
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], process_group=0)
print("chatter", flush=True)
print("an error worth reading", flush=True)
if behaviour == "dies":
    threading.Timer(1.5, lambda: (print("my last words", flush=True), os._exit(3))).start()
http.server.ThreadingHTTPServer(("127.0.0.1", port), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def program(port: int, behaviour: str) -> Program:
    return Program(
        name=behaviour,
        command=(sys.executable, "-c", SERVER, str(port), behaviour),
        port=port,
        ready_path="/",
        setting=f"RELEVO_{behaviour.upper()}_PORT",
        look="nothing",
        worth_showing=lambda line: line if "error" in line else None,
    )


if __name__ == "__main__":
    home, *wanted = sys.argv[1:]
    settings = Settings(home=Path(home), use_cases=Path(home) / "use_cases")  # type: ignore[call-arg]
    chosen = [one.split("=") for one in wanted]
    sys.exit(
        supervise(
            settings, [program(int(port), behaviour) for behaviour, port in chosen]
        )
    )
