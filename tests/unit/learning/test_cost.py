"""What naming and fitting candidates costs."""

from __future__ import annotations

import subprocess
import sys
import textwrap


def answer_of(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_naming_candidates_imports_no_framework() -> None:
    code = """
        import sys
        from relevo.learning.candidates import BoostedTrees, LinearBaseline, SklearnEstimator
        BoostedTrees(), LinearBaseline(), SklearnEstimator(lambda: None)
        import relevo.learning.choose, relevo.learning.metrics, relevo.learning.card
        import relevo.learning.pictures, relevo.learning.onnx_model
        heavy = {"xgboost", "sklearn", "onnx", "onnxruntime", "matplotlib", "scipy", "pandas", "skl2onnx"}
        print(sorted(heavy & set(sys.modules)))
    """
    assert answer_of(code).strip() == "[]"


def test_trees_take_at_most_two_hundred_bytes_a_row() -> None:
    code = """
        import threading, time
        import numpy as np
        from relevo.domain.frame import Categorical, Frame
        from relevo.learning.candidates import BoostedTrees

        def frame(rows, seed):
            random = np.random.default_rng(seed)
            zips = random.integers(0, 30_000, rows).astype(np.int32)
            codes = {"zip_code": (zips, 30_000), "city": (zips // 3, 10_000), "state": (zips // 600, 50)}
            categories = {n: Categorical(c, tuple(f"{n}{i}" for i in range(k))) for n, (c, k) in codes.items()}
            numbers = {n: random.lognormal(size=rows).astype(np.float32) for n in ("bed", "bath", "acre_lot", "house_size")}
            numbers["house_size"][::7] = np.nan
            target = np.exp(12 + numbers["bed"] / 4 + zips / 30_000 + random.normal(0, 0.3, rows))
            identity = random.integers(-2**62, 2**62, rows)
            return Frame(numbers, categories, target, identity, np.zeros(rows, np.int32))

        def resident():
            return int(open("/proc/self/statm").read().split()[1]) * 4096

        peak, done, rows = [0], threading.Event(), 500_000
        def watch():
            while not done.wait(0.003):
                peak[0] = max(peak[0], resident())

        train, validation = frame(rows, 1), frame(50_000, 2)
        small = frame(5_000, 3)
        BoostedTrees(rounds=5).fit(small, small, 1, log_target=True)  # what is loaded once is no cost of a row
        before = resident()
        thread = threading.Thread(target=watch)
        thread.start()
        BoostedTrees(rounds=8).fit(train, validation, 1, log_target=True)
        done.set()
        thread.join()
        # all but a few validation rows are learnt too
        print((peak[0] - before) / (len(train) + len(validation)))
    """
    assert float(answer_of(code)) <= 200
