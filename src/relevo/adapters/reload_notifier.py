"""Tells the APIs that a release was published."""

import logging

import httpx

log = logging.getLogger(__name__)


class HttpReloadNotifier:
    """POSTs /load_model/ to each API. They poll the alias anyway, so what fails is logged and no more."""

    def __init__(self, urls: tuple[str, ...]) -> None:
        self._urls = urls

    def __call__(self, case: str) -> None:
        for url in self._urls:
            try:
                # a publication waits for this, and nothing depends on it
                response = httpx.post(f"{url.rstrip('/')}/load_model/", timeout=5)
                response.raise_for_status()
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                log.warning(
                    "%s: the API at %s was not told of the new version and will find it by polling: %s",
                    case,
                    url,
                    error,
                )
