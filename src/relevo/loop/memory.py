"""Memory that Python no longer needs, given back to the system."""

from __future__ import annotations

import ctypes
import gc

import pyarrow as pa


def give_back() -> None:
    """Collect cycles, then return what Arrow and the C library keep for later of memory that is free already.

    Rows come in blocks between which small objects live on, so the library keeps the pages of both: a fifth of the
    process after a million rows. Where the C library has no malloc_trim (it is glibc's), its part stays.
    """
    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
