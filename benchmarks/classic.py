"""The classic continuous-training script, as something to compare with: `python -m benchmarks.classic SOURCE_URL DATABASE_URL`.

Each batch as one JSON document into a DataFrame, appended to a table; where 60 % of the rows are new, all rows back into
a DataFrame, one-hot and linear regression, RMSE on a random split. No contract, no contest, no record.
"""

from __future__ import annotations

import sys

import httpx
import pandas as pd
import sqlalchemy as sa
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

NUMBERS = ["bed", "bath", "acre_lot", "house_size"]
CATEGORIES = ["city", "state", "zip_code"]


def train(rows: pd.DataFrame) -> float:
    categories = rows[CATEGORIES].astype(str)
    learn, judge, price, truth = train_test_split(
        pd.concat([rows[NUMBERS], categories], axis=1), rows["price"], random_state=1
    )
    columns = make_column_transformer(
        (SimpleImputer(), NUMBERS),
        (OneHotEncoder(handle_unknown="ignore", min_frequency=10), CATEGORIES),
    )
    model = make_pipeline(columns, LinearRegression()).fit(learn, price)
    return float(root_mean_squared_error(truth, model.predict(judge)))


def main(source: str, database: str) -> None:
    engine = sa.create_engine(database)
    total = new = 0
    while True:
        response = httpx.get(f"{source}/data", params={"group_number": 2}, timeout=300)
        if response.status_code != httpx.codes.OK:
            return
        batch = pd.DataFrame(response.json()["data"])
        batch.to_sql("raw", engine, if_exists="append", index=False, chunksize=10_000)
        total += len(batch)
        new += len(batch)
        if new / total >= 0.6:
            rows = pd.read_sql("SELECT * FROM raw", engine)
            print(f"trained on {len(rows):,} rows, RMSE {train(rows):,.0f}", flush=True)
            new = 0


if __name__ == "__main__":
    main(*sys.argv[1:])
