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

from relevo.adapters.blocks import BLOCK_SIZE
from relevo.domain.arrival import SourceResponse
from relevo.errors import SourceError, SourceUnavailable

END_OF_DATA = "ya se recolecto toda la informacion minima necesaria"
NOT_ANSWERED_YET = ("has not been answered yet", "does not exist")
_ASK_LATER = (408, 425, 429)  # timed out, too early, too many requests
_LONGEST_REFUSAL = (
    64 * 1024
)  # a refusal is a sentence; whatever goes on is not read to its end
_CONNECT_SECONDS = (
    10.0  # a server that is up accepts at once, however long it then takes
)
_SHOWN_BYTES = 200
# a connection that was never made: only then is it sure that the cursor has not moved
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


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
        self._url = _checked_url(url)
        self._path = self._url.path.rstrip("/")
        shown = self._url.copy_with(username=None, password=None, query=None)
        self._shown = str(shown).rstrip("/")

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
            body = _head(response)
            if response.status_code != httpx.codes.OK:
                self._refuse(response, _detail(body))
            if _field(body, "ok") is not True:
                raise SourceError(
                    f"{_request_of(response)} did not answer {{'ok': true}} but {_shown(body)}"
                )

    @contextmanager
    def _batch(self, parameters: dict[str, int]) -> Iterator[SourceResponse | None]:
        with self._get("/data", parameters) as response:
            if response.status_code == httpx.codes.OK:
                yield SourceResponse("json", response.iter_bytes(BLOCK_SIZE))
                return
            detail = _detail(_head(response))
            ended = response.status_code == 400 and _plain(detail) == END_OF_DATA
            unknown = (
                bool(parameters)
                and response.status_code in (400, 404)
                and detail.startswith("batch ")
                and any(sign in detail for sign in NOT_ANSWERED_YET)
            )
            if not ended and not unknown:
                self._refuse(response, detail)
            yield None

    @contextmanager
    def _get(self, path: str, parameters: dict[str, int]) -> Iterator[httpx.Response]:
        url = self._url.copy_with(path=self._path + path)
        url = url.copy_merge_params({"group_number": self._group, **parameters})
        # compressed, an answer that breaks off could look whole
        headers = {"Accept-Encoding": "identity"}
        request = httpx.stream("GET", url, headers=headers, timeout=self._timeout)
        try:
            with request as response:
                yield response
        # also what breaks off while the caller reads the response
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise self._lost(error, path) from error

    def _lost(self, error: httpx.HTTPError, path: str) -> SourceUnavailable:
        never_sent = isinstance(error, _NEVER_SENT)
        if never_sent:
            reason = f"cannot be reached: {error}"
        elif isinstance(error, httpx.TimeoutException):
            reason = f"sent nothing for {self._timeout.read:g} s; raise RELEVO_SOURCE_TIMEOUT if it needs longer"
        else:
            reason = f"broke off: {str(error) or type(error).__name__}"
        return SourceUnavailable(
            f"{self._shown}{path} {reason}", maybe_answered=not never_sent
        )

    def _refuse(self, response: httpx.Response, detail: str) -> NoReturn:
        status = response.status_code
        request = _request_of(response)
        if response.is_redirect:
            target = response.headers.get("location", "").split("?")[0]
            raise SourceError(
                f"{request} redirects to {target}; give the source's final url"
            )
        message = f"{request} answered {status}: {detail}"
        if response.is_client_error and status not in _ASK_LATER:
            raise SourceError(f"{message}; check the group and the url in the use case")
        raise SourceUnavailable(message, maybe_answered=True)


def _request_of(response: httpx.Response) -> str:
    """As people see it: without a login, and without what else the url may hold."""
    url = response.request.url
    public = ("group_number", "batch_number")
    params = {name: value for name, value in url.params.items() if name in public}
    return str(url.copy_with(username=None, password=None, params=params))


def _head(response: httpx.Response) -> bytes:
    """As much of a refusal as is ever looked at."""
    return next(response.iter_bytes(_LONGEST_REFUSAL), b"")


def _checked_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise SourceError(
            f"source url {text!r} is not a URL: {error}; write http://host:port"
        ) from None
    if url.scheme not in ("http", "https") or not url.host:
        raise SourceError(
            f"source url {text!r} is not an http URL; write http://host:port"
        )
    return url


def _detail(body: bytes) -> str:
    detail = _field(body, "detail")
    if isinstance(detail, str):
        return detail
    return _shown(body)


def _field(body: bytes, name: str) -> object:
    try:
        return msgspec.json.decode(body, type=dict[str, object]).get(name)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _shown(body: bytes) -> str:
    return repr(body[:_SHOWN_BYTES].decode("utf-8", "backslashreplace"))


def _plain(text: str) -> str:
    """Without accents and case, as the end of data is spelled in more than one way."""
    letters = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return plain.casefold().strip()
