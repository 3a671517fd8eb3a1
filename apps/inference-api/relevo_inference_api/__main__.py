"""Start the inference API: `python -m relevo_inference_api` or `relevo-inference-api`."""

import gc
import json
import logging
import signal
import sys
from datetime import UTC, datetime

import uvicorn

from relevo.errors import InvalidSetting
from relevo_inference_api.app import create_app
from relevo_inference_api.settings import ApiSettings

# objects before garbage is looked for: more than a list of rows makes
GARBAGE = 50_000


class JsonLines(logging.Formatter):
    """One line per event, for whatever gathers them."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(
                timespec="milliseconds"
            ),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_as_json() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line a poll says nothing


def main() -> None:
    # uvicorn ends its own work on SIGTERM, then raises it again: this makes that an exit
    # with status 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        settings = ApiSettings()
        log_as_json()
        app = create_app(settings)
    except InvalidSetting as error:
        sys.exit(str(error))
    gc.freeze()  # what was imported lives as long as the process: no need to look through it again and again
    gc.set_threshold(GARBAGE)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    main()
