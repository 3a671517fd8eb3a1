"""Memory that Python no longer needs, returned to the system."""

import ctypes
import gc

import pyarrow as pa


def give_back() -> None:
    """Return memory that is free already, which Arrow and the C library keep for later."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    # Small objects live on between blocks of rows, and the C library keeps the pages of both:
    # a fifth of the process after a million rows. Only glibc has malloc_trim.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
