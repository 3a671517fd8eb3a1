"""Which paths are answered in a use case's own dialect, and by which use case."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from relevo.domain.dialect import Dialect
from relevo_inference_api.exchange import Asgi, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class DialectPath:
    path: str
    case: str
    dialect: Dialect
    is_documented: bool


def dialect_paths(
    names: Sequence[str], dialects: Mapping[str, Dialect]
) -> Iterator[DialectPath]:
    """Each case's below its name; those of the first one named also as they are."""
    for name in names:
        if (dialect := dialects.get(name)) is None:
            continue
        is_first = name == names[0]
        for path in dialect.paths:
            is_documented = path == dialect.paths[0]
            if is_first:
                yield DialectPath(path, name, dialect, is_documented)
                is_documented = False
            yield DialectPath(f"/{name}{path}", name, dialect, is_documented)


class HostNames:
    """Leads `Host: NAME.anything` to that case's own paths.

    A name in DNS has hyphens for underscores.
    """

    def __init__(self, app: Asgi, dialects: Mapping[str, Dialect]) -> None:
        self._app = app
        self._paths = {name: dialect.paths for name, dialect in dialects.items()}
        self._all_paths = {path for paths in self._paths.values() for path in paths}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in self._all_paths:
            path = scope["path"]
            host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
            name = host.lower().partition(".")[0].replace("-", "_")
            if path in self._paths.get(name, ()):
                scope = {**scope, "path": f"/{name}{path}"}
        await self._app(scope, receive, send)
