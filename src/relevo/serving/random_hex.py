"""Unguessable characters, drawn from the system many at a time: asking it for a few costs
as much as for thousands.
"""

import os
from collections import deque

DRAWN = 16_384
_pools: dict[int, deque[str]] = {}


def random_hex(size: int) -> str:
    """`size` random bytes as hexadecimal; each byte is used once."""
    pool = _pools.setdefault(size, deque())
    while True:
        try:
            return pool.popleft()
        except IndexError:
            drawn = os.urandom(DRAWN // size * size).hex()
            pool.extend(
                drawn[start : start + 2 * size]
                for start in range(0, len(drawn), 2 * size)
            )
