from __future__ import annotations

import ctypes
import subprocess
import sys
import textwrap

import pytest


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"),
    reason="the C library is not glibc: nothing to trim",
)
def test_freed_memory_between_living_objects_goes_back() -> None:
    code = """
        from relevo.loop.memory import give_back

        def resident():
            return int(open("/proc/self/statm").read().split()[1]) * 4096

        blocks = [bytes(100_000) for _ in range(1_000)]
        kept = blocks[::25]
        del blocks
        before = resident()
        give_back()
        print((before - resident()) / 1e6)
    """
    freed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(freed.stdout) > 50
