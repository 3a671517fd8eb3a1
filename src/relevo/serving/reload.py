"""Follow the alias: fetch the release that it names, check it aside, warm it up, swap it in. What fails leaves the old one."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from relevo.domain.release import CHALLENGER, CHAMPION
from relevo.errors import ModelRefused, NotFound, RelevoError, StoreUnavailable
from relevo.ports.store import ObjectStore
from relevo.releases.release_cache import ReleaseCache
from relevo.releases.stored_release import pointer_key
from relevo.serving.model import load_model, require_compatible
from relevo.serving.served_case import ServedCase

log = logging.getLogger(__name__)

JITTER = 0.2
REFUSED_SECONDS = 60.0  # a release that was refused is not fetched again sooner, unless someone asks for it
HINT_SECONDS = 1.0  # hints that come closer together count as one


class Registry(Protocol):
    """Which version an alias leads to; None where there is none. StoreUnavailable where nobody can tell."""

    def alias(self, case: str, alias: str) -> str | None: ...


class _Pointer(msgspec.Struct):
    version: str


class Pointers:
    """The pointer files in the artifacts store, which are written just before the aliases move."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def alias(self, case: str, alias: str) -> str | None:
        try:
            with self._store.open(pointer_key(case, alias)) as stream:
                return msgspec.json.decode(stream.read(), type=_Pointer).version
        except NotFound:
            return None
        except msgspec.MsgspecError as error:
            raise StoreUnavailable(
                f"{pointer_key(case, alias)} cannot be read: {error}; publish again"
            ) from error


class Reloader:
    """Keeps one use case on its alias. `registry` is the truth, None where only pointers are kept."""

    def __init__(
        self,
        case: ServedCase,
        registry: Registry | None,
        pointers: Pointers,
        cache: ReleaseCache,
    ) -> None:
        self._case, self._registry, self._pointers, self._cache = (
            case,
            registry,
            pointers,
            cache,
        )
        self._turn = threading.Lock()
        self._refused: tuple[str, float, str] = ("", 0.0, "")

    def start_from_disk(self) -> None:
        """Serve what served last, before anybody has been asked."""
        found = self._cache.last()
        if found is None:
            return
        kept, folder = found
        try:
            self._case.swap(
                load_model(
                    folder,
                    self._case.name,
                    kept.version,
                    kept.alias,
                    self._case.max_rows,
                )
            )
        except RelevoError as error:
            log.warning(
                "%s: the release kept on disk is refused: %s", self._case.name, error
            )
            self._cache.forget(folder)
            return
        log.info("%s: serving version %s from disk", self._case.name, kept.version)

    def reload(self, *, force: bool = False) -> bool:
        """Look at the alias now; whether the model was swapped. What fails is noted, and raised to the caller."""
        with self._turn:
            try:
                changed = self._follow(force)
            except Exception as error:
                said = str(error) if isinstance(error, RelevoError) else repr(error)
                if (
                    self._case.last_reload is None
                    or self._case.last_reload.error != said
                ):
                    log.warning("%s: reload failed: %s", self._case.name, said)
                self._case.note("failed", said)
                raise
            self._case.note("swapped" if changed else "unchanged")
            return changed

    def _follow(self, force: bool) -> bool:
        named = self._named()
        if named is None:
            self._case.has_none = self._case.model is None
            return False
        version, alias = named
        model = self._case.model
        if model is not None and (model.version, model.alias) == named:
            return False
        refused, until, why = self._refused
        if refused == version and not force and time.monotonic() < until:
            raise ModelRefused(why)
        try:
            self._swap(version, alias)
        except ModelRefused as error:
            self._refused = (version, time.monotonic() + REFUSED_SECONDS, str(error))
            raise
        return True

    def _named(self) -> tuple[str, str] | None:
        """Version and alias to serve: a challenger's place is taken by the champion while there is none."""
        aliases = (
            (CHALLENGER, CHAMPION)
            if self._case.alias == CHALLENGER
            else (self._case.alias,)
        )
        for alias in aliases:
            if (version := self._version(alias)) is not None:
                return version, alias
        return None

    def _version(self, alias: str) -> str | None:
        if self._registry is None:
            return self._pointers.alias(self._case.name, alias)
        try:
            return self._registry.alias(self._case.name, alias)
        except StoreUnavailable:
            version = self._pointers.alias(self._case.name, alias)
            if (
                version is None
            ):  # no pointer proves nothing: the registry must say that there is no model
                raise
            return version

    def _swap(self, version: str, alias: str) -> None:
        started = time.monotonic()
        folder = self._cache.fetch(version)
        try:
            new = load_model(
                folder, self._case.name, version, alias, self._case.max_rows
            )
            if self._case.model is not None:
                require_compatible(new, self._case.model)
        except ModelRefused:
            self._cache.forget(folder)
            raise
        before = self._case.model
        self._case.swap(new)
        self._cache.keep(version, alias, folder)
        log.info(
            "%s: version %s serves (%s), before it %s, swapped in %.2f s",
            self._case.name, version, alias, before.version if before else "none", time.monotonic() - started,
        )  # fmt: skip


class RegistryPoller:
    """One thread that looks at all aliases, every `seconds` or so, and at once where somebody hints."""

    def __init__(
        self,
        reloaders: Iterable[Reloader],
        seconds: float,
        afterwards: Iterable[Callable[[], None]] = (),
    ) -> None:
        """`afterwards` is done after each look: what is worked out in the background."""
        self._reloaders, self._seconds, self._afterwards = (
            tuple(reloaders),
            seconds,
            tuple(afterwards),
        )
        self._notified, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(
            target=self._poll, name="relevo-registry-poller", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def notify(self) -> None:
        self._notified.set()

    def close(self) -> None:
        self._closing.set()
        self._notified.set()
        if self._thread.ident is not None:
            self._thread.join(5)

    def _poll(self) -> None:
        while not self._closing.is_set():
            self._notified.clear()
            for reloader in self._reloaders:
                _quietly(reloader.reload, told=True)
            for work in self._afterwards:
                _quietly(work)
            self._closing.wait(HINT_SECONDS)
            self._notified.wait(
                max(
                    0.0,
                    self._seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
                    - HINT_SECONDS,
                )
            )


def _quietly(work: Callable[[], object], *, told: bool = False) -> None:
    """The thread lives on. `told`: the work has told of its own failure."""
    try:
        work()
    except RelevoError as error:
        if not told:
            log.warning("background work failed: %s", error)
    except Exception:
        log.exception("background work failed")
