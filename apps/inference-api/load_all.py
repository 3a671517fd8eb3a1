"""Load what a pod of the API loads, so that Python leaves its bytecode, and what does not load fails here.

Run as the image is built; opens no connection.
"""

import anyio
import numpy.ctypeslib  # noqa: F401
import onnxruntime  # noqa: F401
import relevo_inference_api.__main__  # noqa: F401
import uvicorn
from relevo_inference_api.app import create_app
from relevo_inference_api.settings import ApiSettings

import relevo.learning.candidates  # noqa: F401  # which use cases name
from relevo.bootstrap import ServingPorts
from relevo.serving.booster import xgboost_library
from relevo.settings import Settings

places = Settings(
    artifacts_store="s3://bucket",
    s3_endpoint="http://minio",
    tracking_uri="http://mlflow",
    warehouse_url="postgresql://postgresql/relevo",
)
ports = ServingPorts(places)
for port in ("aliases", "artifacts", "predictions", "record"):
    getattr(ports, port)
xgboost_library()
server = uvicorn.Config(
    create_app(ApiSettings(cases=("any",)), places), loop="uvloop", http="httptools"
)
server.load()
server.get_loop_factory()
anyio.run(anyio.sleep, 0)
