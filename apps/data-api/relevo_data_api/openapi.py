"""What /docs says of the answers."""

from pathlib import Path
from typing import Any

import msgspec

from relevo_data_api.streams.stream import Listing

Responses = dict[int | str, dict[str, Any]]

_answers = msgspec.toml.decode(Path(__file__).with_suffix(".toml").read_bytes())
HEALTH: Responses = _answers["health"]
RESTART: Responses = _answers["restart"] | _answers["group"]
DATA: Responses = _answers["data"] | _answers["group"]
_batch = DATA["200"]["content"]["application/json"]["schema"]
_batch["properties"]["data"]["items"] = msgspec.json.schema(Listing)["$defs"]["Listing"]
