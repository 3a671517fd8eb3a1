"""Remove from an image's environment what no program of ours uses: `python apps/slim.py /opt/relevo`.

The inference API's image is made with it; the list fits the others too. A test has the API answer
from an environment that was slimmed: tests/apps/inference_api/test_slim.py.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

UNUSED = (
    "**/tests/",  # of the packages themselves
    "**/*.pyi",  # for type checkers
    "botocore/data/*/",  # 440 services of Amazon's, but for those of USED
    "numpy/_core/_simd.*.so",  # for numpy's tests
    "numpy/f2py/",  # for those who compile Fortran
    "onnxruntime/capi/libonnxruntime.so.*",  # for programs in C; Python loads the same code elsewhere
    "onnxruntime/quantization/",  # these three rework models; ours are only asked
    "onnxruntime/tools/",
    "onnxruntime/transformers/",
    "sqlalchemy/testing/",  # for those who write dialects
)
USED = {
    f"botocore/data/{name}" for name in ("s3", "sts", "sso", "sso-oidc", "signin")
}  # a bucket, and who we are
# Nine tenths of uvloop are symbols for debuggers. By name, because libraries that auditwheel has
# rewritten may not load once stripped: numpy's do not, XGBoost's does.
STRIPPED = (
    "aiohttp",
    "asyncpg",
    "fontTools",
    "httptools",
    "kiwisolver",
    "pyarrow",
    "sqlalchemy",
    "uvloop",
    "xgboost",
)


def slim(packages: Path) -> None:
    for path in sorted(unused(packages), reverse=True):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    libraries = [
        library for name in STRIPPED for library in packages.glob(f"{name}/**/*.so*")
    ]
    if libraries:
        subprocess.run(["strip", "--strip-unneeded", *libraries], check=True)  # noqa: S607


def unused(packages: Path) -> Iterator[Path]:
    paths = {path for pattern in UNUSED for path in packages.glob(pattern)}
    return (path for path in paths if str(path.relative_to(packages)) not in USED)


if __name__ == "__main__":
    (packages,) = Path(sys.argv[1]).glob("lib/python3*/site-packages")
    slim(packages)
