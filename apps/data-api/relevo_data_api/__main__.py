"""Start the Data API: `python -m relevo_data_api`, or the script `relevo-data-api`."""

import logging
import signal
import sys

import uvicorn
from pydantic import ValidationError

from relevo_data_api.app import create_data_api
from relevo_data_api.settings import ENV_PREFIX, DataApiSettings


def main() -> None:
    # uvicorn stops on SIGTERM, then raises it again: this makes that an exit with status 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO
    )
    try:
        settings = DataApiSettings()
    except ValidationError as error:
        lines = [
            f"{ENV_PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}; got {e['input']!r}"
            for e in error.errors()
        ]
        sys.exit("\n".join(lines))
    uvicorn.run(
        create_data_api(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    main()
