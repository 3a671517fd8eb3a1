"""What each encoded feature adds to a boosted answer, asked from XGBoost's own library.

Through its C interface: the Python package imports SciPy, which would be a third of the API's image.
"""

import ctypes
import json
import weakref
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relevo.errors import ModelRefused, PackageMissing

CONTRIBUTIONS = json.dumps(
    {
        "type": 2,  # what each feature adds, exactly
        "training": False,
        "iteration_begin": 0,
        "iteration_end": 0,  # all of them
        "strict_shape": True,
    }
).encode()
# one thread: a single row is explained, and its request has a thread of its own
DENSE = json.dumps({"missing": float("nan"), "nthread": 1}).encode()


class Booster:
    """A trained booster; one process may share it between threads."""

    def __init__(self, path: Path) -> None:
        self._handle = ctypes.c_void_p()
        content = path.read_bytes()
        _call("XGBoosterCreate", None, ctypes.c_uint64(0), ctypes.byref(self._handle))
        weakref.finalize(self, xgboost_library().XGBoosterFree, self._handle)
        _call("XGBoosterSetParam", self._handle, b"nthread", b"1")
        _call(
            "XGBoosterLoadModelFromBuffer",
            self._handle,
            content,
            ctypes.c_uint64(len(content)),
        )

    def contributions(self, encoded: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of one row: [outputs, features + 1]; the last is the base."""
        row = np.ascontiguousarray(encoded, dtype=np.float32)
        matrix = ctypes.c_void_p()
        _call(
            "XGDMatrixCreateFromDense",
            json.dumps(row.__array_interface__).encode(),
            DENSE,
            ctypes.byref(matrix),
        )
        try:
            shape = ctypes.POINTER(ctypes.c_uint64)()
            dimensions = ctypes.c_uint64()
            values = ctypes.POINTER(ctypes.c_float)()
            results = map(ctypes.byref, (shape, dimensions, values))
            _call(
                "XGBoosterPredictFromDMatrix",
                self._handle,
                matrix,
                CONTRIBUTIONS,
                *results,
            )
            by_row = np.ctypeslib.as_array(values, tuple(shape[: dimensions.value]))
            # a copy: the memory is XGBoost's, and its next call writes over it
            contributions: NDArray[np.float64] = by_row[0].astype(float)
            return contributions
        finally:
            xgboost_library().XGDMatrixFree(matrix)


@cache
def xgboost_library() -> ctypes.CDLL:
    package = find_spec("xgboost")  # where it is; it is not imported
    for folder in (package and package.submodule_search_locations) or ():
        for file in Path(folder, "lib").glob("*xgboost.*"):
            library = ctypes.CDLL(str(file))
            library.XGBGetLastError.restype = ctypes.c_char_p
            return library
    raise PackageMissing(
        "XGBoost's library is not installed; install relevo[serving] to explain boosted trees"
    )


def _call(name: str, *arguments: object) -> None:
    library = xgboost_library()
    if getattr(library, name)(*arguments) != 0:
        raise ModelRefused(
            f"XGBoost refused {name}: {library.XGBGetLastError().decode()}; train the model again"
        )
