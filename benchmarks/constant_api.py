"""What serving is measured against: a FastAPI endpoint that validates the same body with pydantic and answers a constant."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field


class House(BaseModel):
    model_config = ConfigDict(extra="forbid")

    bed: float | None = Field(None, ge=0, le=200)
    bath: float | None = Field(None, ge=0, le=200)
    acre_lot: float | None = Field(None, ge=0, le=100_000)
    city: str | None = None
    state: str | None = None
    zip_code: float | str | None = None
    house_size: float | None = Field(None, ge=1, le=2_000_000)


class Answer(BaseModel):
    prediction: float


app = FastAPI()


@app.get("/ready")
async def ready() -> dict[str, bool]:
    return {"ready": True}


@app.post("/predict")
async def predict(house: House) -> Answer:  # noqa: ARG001
    return Answer(prediction=512_000.0)


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
    )
