"""Predictions that reached the object store and not the database, as after a pod that ended
while it was unavailable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relevo.errors import LinesRefused, NotFound
from relevo.serving.log.prediction_log import upload_prefix
from relevo.serving.log.shipper import deliver

if TYPE_CHECKING:
    from relevo.ports.predictions import PredictionStore
    from relevo.ports.store import ObjectStore


@dataclass(slots=True)
class Restored:
    objects: int = 0
    lines: int = 0
    new: int = 0
    refused: int = 0


def restore(
    case: str,
    environment: str,
    day: str,
    objects: ObjectStore,
    database: PredictionStore,
) -> Restored:
    """Ship every object of the case, or of one day; the database keeps what it has.

    May be done again at any time.
    """
    prefix = upload_prefix(case, environment)
    if day:
        prefix += f"{day}/"
    done = Restored()

    def send(lines: bytes) -> None:
        done.new += database.ship(lines)

    def count_refused(_offset: int, _line: bytes, _error: LinesRefused) -> None:
        done.refused += 1

    for key in objects.list(prefix):
        with objects.open(key) as stream:
            lines = stream.read()
        deliver(send, lines, count_refused)
        done.objects += 1
        done.lines += lines.count(b"\n")
    if not done.objects:
        raise NotFound(
            f"no predictions lie under {prefix} in the object store; check the case, --environment and --day"
        )
    return done
