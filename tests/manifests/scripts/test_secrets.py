"""The table of Secrets, and what is made of it."""

from __future__ import annotations

import base64
import json
import tomllib
from pathlib import Path

import pytest

from tests.manifests.rendering import Manifest
from tests.manifests.scripts.conftest import Load
from tests.manifests.secret_table import scripts_of, secrets_of


@pytest.fixture
def scripts(objects: list[Manifest], tmp_path: Path) -> Path:
    """The folder that the Jobs find."""
    for name, text in scripts_of(objects).items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def table(script: Load, scripts: Path) -> Manifest:
    by_namespace = script("secrets/make_secrets.py").by_namespace
    parts = tomllib.loads((scripts / "secrets.toml").read_text())
    return {name: by_namespace(part, scripts) for name, part in parts.items()}


def test_what_serving_has_each_environment_gets(
    table: Manifest, objects: list[Manifest]
) -> None:
    made = {
        (namespace, name)
        for part in table.values()
        for namespace, names in part.items()
        for name in names
    }
    assert made == set(secrets_of(objects))
    assert {("relevo-dev", "warehouse"), ("relevo-prod", "warehouse")} <= made


def test_passwords_are_long_and_never_the_same(script: Load) -> None:
    draw = script("secrets/make_secrets.py").draw
    drawn = {draw("password") for _ in range(100)}
    assert len(drawn) == 100
    assert all(len(one) == 48 and one.isalnum() for one in drawn)


def test_a_fernet_key_has_32_bytes(script: Load) -> None:
    assert (
        len(base64.urlsafe_b64decode(script("secrets/make_secrets.py").draw("fernet")))
        == 32
    )


def test_an_unknown_kind_of_value_is_refused_by_name(script: Load) -> None:
    with pytest.raises(SystemExit, match="'pasword' is no kind of value"):
        script("secrets/make_secrets.py").draw("pasword")


def test_every_copy_names_values_that_are_made(script: Load, table: Manifest) -> None:
    module = script("secrets/make_secrets.py")
    made = table["made"][module.SOURCE]
    for names in table["copied"].values():
        for values in names.values():
            for text in values.values():
                filled = module.fill(text, made)
                assert filled != text
                assert "{" not in filled or json.loads(filled)


def test_what_is_copied_from_may_be_read_and_nothing_else(
    script: Load, table: Manifest, objects: list[Manifest]
) -> None:
    (role,) = [
        one
        for one in objects
        if one["kind"] == "Role" and one["metadata"]["name"] == "read-secret-sources"
    ]
    assert set(role["rules"][0]["resourceNames"]) == script(
        "secrets/make_secrets.py"
    ).sources_of(table["copied"])


def test_secrets_may_be_made_where_the_table_puts_them(
    table: Manifest, objects: list[Manifest]
) -> None:
    wanted = {namespace for part in table.values() for namespace in part}
    allowed = {
        one["metadata"]["namespace"]
        for one in objects
        if one["kind"] == "RoleBinding" and one["metadata"]["name"] == "make-secrets"
    }
    assert allowed == wanted


def test_a_rotation_may_change_every_copy_and_restart_every_reader(
    script: Load, scripts: Path, table: Manifest, objects: list[Manifest]
) -> None:
    module = script("secrets/rotation/rotate_postgresql.py")
    roles = {
        one["metadata"]["namespace"]: {
            name for rule in one["rules"] for name in rule.get("resourceNames", [])
        }
        for one in objects
        if one["kind"] == "Role" and one["metadata"]["name"] == "rotate-postgresql"
    }
    deployments = {
        (one["metadata"]["namespace"], one["metadata"]["name"])
        for one in objects
        if one["kind"] == "Deployment"
    }
    for namespace, names in table["copied"].items():
        for name, values in names.items():
            if "{postgresql." in "".join(values.values()):
                assert name in roles[namespace], f"{namespace}/{name}"
    for namespace, names in module.by_namespace(module.USED_BY, scripts).items():
        assert set(names) <= roles[namespace]
        assert {(namespace, name) for name in names} <= deployments


def test_the_job_makes_every_secret_of_the_table(
    script: Load,
    scripts: Path,
    objects: list[Manifest],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module, secrets = script("secrets/make_secrets.py"), {}

    def create(namespace: str, name: str, values: dict[str, str]) -> bool:
        secrets[namespace, name] = values
        return True

    monkeypatch.setattr(module, "create_secret", create)
    monkeypatch.setattr(module, "read_secret", lambda *place: secrets[place])
    module.main(scripts / "secrets.toml")

    assert set(secrets) == set(secrets_of(objects))
    password = secrets["relevo-data", "postgresql"]["relevo_api"]
    for namespace in ("relevo-dev", "relevo-prod"):
        assert f":{password}@" in secrets[namespace, "warehouse"]["url"]


def test_a_rotation_hands_new_passwords_to_every_environment(
    script: Load, scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = script("secrets/rotation/rotate_postgresql.py")
    changed: dict[tuple[str, str], dict[str, str]] = {}
    restarted: set[tuple[str, str]] = set()
    passwords = {name: f"{name}-2" for name in ("postgres", "airflow")}
    passwords |= {f"relevo_{name}": f"{name}-2" for name in ("loop", "api", "ui")}
    for name in ("create_secret", "connect", "set_passwords", "ask"):
        monkeypatch.setattr(module, name, lambda *_: None)
    monkeypatch.setattr(module, "read_secret", lambda *_: passwords)
    monkeypatch.setattr(
        module, "change_secret", lambda *secret: changed.update({secret[:2]: secret[2]})
    )
    monkeypatch.setattr(module, "restart", lambda *pod: restarted.add(pod))
    module.main(scripts / "secrets.toml")

    for namespace in ("relevo-dev", "relevo-prod"):
        assert ":api-2@" in changed[namespace, "warehouse"]["url"]
        assert ":ui-2@" in changed[namespace, "warehouse-reader"]["url"]
        assert {(namespace, "inference-api"), (namespace, "streamlit")} <= restarted
    assert (len(changed), len(restarted)) == (7, 7)
