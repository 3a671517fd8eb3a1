"""The champion in MLServer: run by MLServer's own Python, which knows nothing of Relevo."""

from __future__ import annotations

import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput


class Houses(MLModel):  # type: ignore[misc]
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            self.settings.parameters.uri, options
        )
        self._words = {
            one.name for one in self._session.get_inputs() if "string" in one.type
        }
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        feed = {
            one.name: np.array(
                list(one.data), dtype=object if one.name in self._words else np.float32
            ).reshape(-1, 1)
            for one in payload.inputs
        }
        prices = self._session.run(["prediction"], feed)[0]
        output = ResponseOutput(
            name="prediction",
            shape=list(prices.shape),
            datatype="FP32",
            data=prices.ravel().tolist(),
        )
        return InferenceResponse(model_name=self.name, outputs=[output])
