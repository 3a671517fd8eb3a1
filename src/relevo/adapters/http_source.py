"""Batches from a server that speaks the data API; each GET may move its cursor, so each is made once.

Retrying is the loop's, which commits an attempt first. Every request has a connection of its own: a kept one that the
server closed meanwhile would fail in a way that looks like a lost answer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NoReturn

import httpx
import msgspec

from relevo.domain.arrival import SourceResponse
from relevo.errors import SourceError, SourceUnavailable

END_OF_DATA = "ya se recolecto toda la informacion minima necesaria"
NOT_ANSWERED_YET = ("has not been answered yet", "does not exist")
_ASK_LATER = (408, 425, 429)
_LONGEST_REFUSAL = 64 * 1024
_CONNECT_SECONDS = 10.0
_SHOWN = 200


class HttpSource:
    """`timeout` is in seconds without a byte. `can_repeat` must be true of the server: one that does not know
    batch_number would move its cursor instead. `may_restart` allows the loop to put the cursor back to 0."""

    def __init__(
        self,
        url: str,
        group: int,
        *,
        can_repeat: bool = False,
        may_restart: bool = False,
        timeout: float = 60.0,
        name: str | None = None,
    ) -> None:
        self.name = name or f"http-group-{group}"
        self.can_repeat = can_repeat
        self.can_restart = may_restart
        self._group = group
        self._timeout = httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS))
        try:
            self._url = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise SourceError(
                f"source url {url!r} is not a URL: {error}; write http://host:port"
            ) from None
        if self._url.scheme not in ("http", "https") or not self._url.host:
            raise SourceError(
                f"source url {url!r} is not an http URL; write http://host:port"
            )
        self._shown = str(
            self._url.copy_with(username=None, password=None, query=None)
        ).rstrip("/")

    def next(self, after: int | None) -> AbstractContextManager[SourceResponse | None]:  # noqa: ARG002
        """The server's cursor says which; `after` is not sent."""
        return self._batch({})

    def repeat(self, number: int) -> AbstractContextManager[SourceResponse | None]:
        if not self.can_repeat:
            raise SourceError(
                f"{self._shown} does not repeat batches; set can_repeat=True only if it knows batch_number=…"
            )
        return self._batch({"batch_number": number})

    def restart(self) -> None:
        if not self.can_restart:
            raise SourceError(
                f"{self._shown} may not be started over; set may_restart=True in the use case to allow it"
            )
        with self._get("/restart_data_generation", {}) as response:
            if response.status_code != httpx.codes.OK:
                self._refuse(response, _detail(self._read(response)))
            body = self._read(response)
            if _field(body, "ok") is not True:
                raise SourceError(
                    f"{self._asked(response)} did not answer {{'ok': true}} but {_shown(body)}"
                )

    @contextmanager
    def _batch(self, parameters: dict[str, int]) -> Iterator[SourceResponse | None]:
        with self._get("/data", parameters) as response:
            if response.status_code == httpx.codes.OK:
                yield SourceResponse("json", self._chunks(response))
                return
            detail = _detail(self._read(response))
            if (
                response.status_code == httpx.codes.BAD_REQUEST
                and _plain(detail) == END_OF_DATA
            ):
                yield None
                return
            unknown = response.status_code in (
                httpx.codes.BAD_REQUEST,
                httpx.codes.NOT_FOUND,
            )
            if (
                parameters
                and unknown
                and detail.startswith("batch ")
                and any(words in detail for words in NOT_ANSWERED_YET)
            ):
                yield None
                return
            self._refuse(response, detail)

    @contextmanager
    def _get(self, path: str, parameters: dict[str, int]) -> Iterator[httpx.Response]:
        url = self._url.copy_with(path=self._url.path.rstrip("/") + path)
        url = url.copy_merge_params({"group_number": self._group, **parameters})
        with httpx.Client(timeout=self._timeout, follow_redirects=False) as client:
            request = client.build_request(
                "GET", url, headers={"Accept-Encoding": "identity"}
            )
            try:
                response = client.send(request, stream=True)
            except httpx.TransportError as error:
                raise self._lost(error, path) from error
            try:
                yield response
            finally:
                response.close()

    def _chunks(self, response: httpx.Response) -> Iterator[bytes]:
        try:
            yield from response.iter_bytes(1024 * 1024)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise self._lost(error, response.request.url.path) from error

    def _read(self, response: httpx.Response) -> bytes:
        body = b""
        for chunk in self._chunks(response):
            body += chunk
            if len(body) > _LONGEST_REFUSAL:
                break
        return body

    def _lost(self, error: httpx.HTTPError, path: str) -> SourceUnavailable:
        """Only a connection that was never made is sure not to have moved the cursor."""
        never_sent = isinstance(
            error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
        )
        if isinstance(error, httpx.TimeoutException) and not never_sent:
            why = f"sent nothing for {self._timeout.read:g} s; raise RELEVO_SOURCE_TIMEOUT if it needs longer"
        else:
            why = (
                f"cannot be reached: {error}"
                if never_sent
                else f"broke off: {error or type(error).__name__}"
            )
        return SourceUnavailable(
            f"{self._shown}{path.removeprefix(self._url.path.rstrip('/'))} {why}",
            maybe_answered=not never_sent,
        )

    def _refuse(self, response: httpx.Response, detail: str) -> NoReturn:
        status = response.status_code
        if response.is_redirect:
            target = response.headers.get("location", "").split("?")[0]
            raise SourceError(
                f"{self._asked(response)} redirects to {target}; give the source's final url"
            )
        message = f"{self._asked(response)} answered {status}: {detail}"
        if response.is_client_error and status not in _ASK_LATER:
            raise SourceError(f"{message}; check the group and the url in the use case")
        raise SourceUnavailable(message, maybe_answered=True)

    def _asked(self, response: httpx.Response) -> str:
        query = "&".join(
            f"{k}={v}"
            for k, v in response.request.url.params.items()
            if k in ("group_number", "batch_number")
        )
        return f"{self._shown}{response.request.url.path.removeprefix(self._url.path.rstrip('/'))}?{query}"


def _detail(body: bytes) -> str:
    detail = _field(body, "detail")
    return detail if isinstance(detail, str) else _shown(body)


def _field(body: bytes, name: str) -> object:
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return decoded.get(name) if isinstance(decoded, dict) else None


def _shown(body: bytes) -> str:
    return repr(body[:_SHOWN].decode("utf-8", "backslashreplace"))


def _plain(text: str) -> str:
    """Without accents and case, as the end of data is spelled in more than one way."""
    letters = unicodedata.normalize("NFKD", text)
    return (
        "".join(letter for letter in letters if not unicodedata.combining(letter))
        .casefold()
        .strip()
    )
