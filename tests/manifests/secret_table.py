"""The Secrets that the Job would make, by the files that its ConfigMap holds."""

from __future__ import annotations

import tomllib

from tests.manifests.rendering import Manifest


def scripts_of(objects: list[Manifest]) -> dict[str, str]:
    """The files that the Jobs find under /scripts."""
    (found,) = [
        one for one in objects if one["metadata"]["name"].startswith("secrets-scripts-")
    ]
    return dict(found["data"])


def secrets_of(objects: list[Manifest]) -> dict[tuple[str, str], dict[str, str]]:
    """The text of each key, by namespace and name. What `serving` has, each environment gets."""
    files = scripts_of(objects)
    environments = [name for name in files if name.startswith("relevo-")]
    return {
        (namespace, name): values
        for part in tomllib.loads(files["secrets.toml"]).values()
        for owner, names in part.items()
        for namespace in (environments if owner == "serving" else [owner])
        for name, values in names.items()
    }
