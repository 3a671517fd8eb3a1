"""Follow the alias: fetch the release that it names, check it aside, warm it up, swap it in.

What fails leaves the old one.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

import msgspec

from relevo.domain.release import CHALLENGER, CHAMPION
from relevo.errors import ModelRefused, NotFound, RelevoError, StoreUnavailable
from relevo.ports.store import ObjectStore
from relevo.releases.release_cache import ReleaseCache
from relevo.releases.stored_release import pointer_key
from relevo.serving.model import load_model, require_compatible
from relevo.serving.served_case import ServedCase

log = logging.getLogger(__name__)

JITTER = (
    0.2  # of the time between polls, so that pods started together do not poll together
)
REFUSED_SECONDS = 60.0  # a release that was refused is not fetched again sooner
NOTIFICATION_SECONDS = 1.0  # notifications that come closer together count as one


class AliasReader(Protocol):
    """Which version an alias leads to; None where there is none.

    StoreUnavailable where nobody can tell.
    """

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


class Target(NamedTuple):
    """What is to be served."""

    version: str
    alias: str


class RefusedRelease(NamedTuple):
    version: str = ""
    until: float = 0.0
    reason: str = ""


class Reloader:
    """Keeps one use case on its alias.

    `registry` is the truth, None where only pointers are kept.
    """

    def __init__(
        self,
        case: ServedCase,
        registry: AliasReader | None,
        pointers: Pointers,
        cache: ReleaseCache,
    ) -> None:
        self._case = case
        self._registry = registry
        self._pointers = pointers
        self._cache = cache
        self._turn = threading.Lock()
        self._refused = RefusedRelease()

    def start_from_disk(self) -> None:
        """Serve what served last, before anybody has been asked."""
        case = self._case
        if (last := self._cache.last()) is None:
            return
        kept, folder = last
        try:
            case.swap(
                load_model(folder, case.name, kept.version, kept.alias, case.max_rows)
            )
        except RelevoError as error:
            log.warning("%s: the release kept on disk is refused: %s", case.name, error)
            self._cache.forget(folder)
        else:
            log.info("%s: serving version %s from disk", case.name, kept.version)

    def reload(self, *, force: bool = False) -> bool:
        """Poll the registry now; whether the model was swapped. What fails is noted, and raised to the caller.

        `force` fetches a release again that was refused a moment ago.
        """
        with self._turn:
            try:
                changed = self._follow(force)
            except RelevoError as error:
                self._note_failure(str(error))
                raise
            except Exception as error:
                self._note_failure(repr(error))
                raise
            self._case.note("swapped" if changed else "unchanged")
            return changed

    def _note_failure(self, message: str) -> None:
        """Logged once, not at every poll."""
        last = self._case.last_reload
        if last is None or last.error != message:
            log.warning("%s: reload failed: %s", self._case.name, message)
        self._case.note("failed", message)

    def _follow(self, force: bool) -> bool:
        target = self._target()
        if target is None:
            self._case.has_none = self._case.model is None
            # a challenger alone is a first model that was refused, or is not judged yet
            self._case.champion_missing = self._version(CHALLENGER) is not None
            return False
        self._case.champion_missing = False
        model = self._case.model
        if model is not None and (model.version, model.alias) == target:
            return False
        refused = self._refused
        is_fresh = time.monotonic() < refused.until
        if refused.version == target.version and is_fresh and not force:
            raise ModelRefused(refused.reason)
        try:
            self._swap(target)
        except ModelRefused as error:
            until = time.monotonic() + REFUSED_SECONDS
            self._refused = RefusedRelease(target.version, until, str(error))
            raise
        return True

    def _target(self) -> Target | None:
        """A challenger's place is taken by the champion while there is none."""
        aliases = [self._case.alias]
        if self._case.alias == CHALLENGER:
            aliases.append(CHAMPION)
        for alias in aliases:
            if (version := self._version(alias)) is not None:
                return Target(version, alias)
        return None

    def _version(self, alias: str) -> str | None:
        name = self._case.name
        if self._registry is None:
            return self._pointers.alias(name, alias)
        try:
            return self._registry.alias(name, alias)
        except StoreUnavailable:
            version = self._pointers.alias(name, alias)
            # no pointer proves nothing: the registry must say that there is no model
            if version is None:
                raise
            return version

    def _swap(self, target: Target) -> None:
        started = time.monotonic()
        case, old = self._case, self._case.model
        folder = self._cache.fetch(target.version)
        try:
            new = load_model(folder, case.name, *target, case.max_rows)
            if old is not None:
                require_compatible(new, old)
        except ModelRefused:
            self._cache.forget(folder)
            raise
        case.swap(new)
        # after the swap: a restart must not begin with a release that never served
        self._cache.keep(*target, folder)
        log.info(
            "%s: version %s serves as %s, swapped in %.2f s",
            case.name,
            *target,
            time.monotonic() - started,
        )


class RegistryPoller:
    """One thread that polls for all cases, every `seconds` or so, and at once when it is
    notified.
    """

    def __init__(
        self,
        reloaders: Iterable[Reloader],
        seconds: float,
        afterwards: Iterable[Callable[[], None]] = (),
    ) -> None:
        """`afterwards` is done after each poll: what is worked out in the background."""
        self._reloaders = tuple(reloaders)
        self._seconds = seconds
        self._afterwards = tuple(afterwards)
        self._notified = threading.Event()
        self._closing = threading.Event()
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
            # a poll may hang in a registry that does not answer; the process ends without it
            self._thread.join(5)

    def _poll(self) -> None:
        while not self._closing.is_set():
            # before the poll: a notification that comes during it asks for another
            self._notified.clear()
            for reloader in self._reloaders:
                _run(reloader.reload, logs_itself=True)
            for work in self._afterwards:
                _run(work)
            self._closing.wait(NOTIFICATION_SECONDS)
            jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
            self._notified.wait(max(0, self._seconds * jitter - NOTIFICATION_SECONDS))


def _run(work: Callable[[], object], *, logs_itself: bool = False) -> None:
    """The thread lives on, whatever is raised."""
    try:
        work()
    except RelevoError as error:
        if not logs_itself:
            log.warning("background work failed: %s", error)
    except Exception:
        log.exception("background work failed")
