"""A use case is a folder: what lies beside use_case.py can be imported from it, as it is now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from relevo.bootstrap import load_dialects, load_use_case
from relevo.domain.dialect import Dialect
from relevo.errors import UseCaseBroken
from relevo.settings import Settings

HEAVY = ("pyarrow", "sklearn", "scipy", "xgboost", "mlflow", "onnxruntime")
TITLED = Path("tests/fixtures/use_cases/flats/use_case.py").read_text()


def titled(folder: Path, title: str) -> Settings:
    """Flats, whose title stands in a file of its own."""
    (folder / "flats").mkdir(parents=True, exist_ok=True)
    text = TITLED.replace("CASE = ", "from .title import TITLE\n\nCASE = ", 1)
    (folder / "flats" / "use_case.py").write_text(
        text.replace('name="flats"', 'name="flats", title=TITLE')
    )
    (folder / "flats" / "title.py").write_text(f"TITLE = {title!r}\n")
    return Settings(_env_file=None, use_cases=folder)  # type: ignore[call-arg]


def test_a_use_case_imports_what_lies_beside_it_of_its_own_folder(
    tmp_path: Path,
) -> None:
    first, second = (titled(tmp_path / name, name) for name in ("first", "second"))
    assert load_use_case("flats", first).title == "first"
    assert load_use_case("flats", second).title == "second"
    assert load_use_case("flats", first).title == "first"


def test_a_use_case_loads_without_what_serving_has_not() -> None:
    code = f"""
import sys
sys.modules.update(dict.fromkeys({HEAVY}))
from relevo.bootstrap import load_dialects
from relevo.settings import Settings
print(*load_dialects(["house_prices"], Settings(_env_file=None)))
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["house_prices"]


def test_a_broken_use_case_hides_no_dialect_of_another(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "use_case.py").write_text("1 / 0")
    (tmp_path / "house_prices").symlink_to(Path("use_cases/house_prices").absolute())
    settings = Settings(_env_file=None, use_cases=tmp_path)  # type: ignore[call-arg]
    names = ("broken", "absent", "house_prices")
    assert list(load_dialects(names, settings)) == ["house_prices"]
    assert "broken is served without a dialect" in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"paths": ()}, "paths"),
        ({"paths": ("predict",)}, "must each start with /"),
        ({"request": dict}, "belong together"),
    ],
)
def test_a_dialect_that_cannot_work_is_refused_at_once(
    fault: dict[str, object], message: str
) -> None:
    right: dict[str, object] = {"paths": ("/a",), "response": dict, "respond": dict}
    with pytest.raises(UseCaseBroken, match=message):
        Dialect(**right | fault)  # type: ignore[arg-type]


def test_a_slice_that_is_no_feature_is_refused_when_it_is_loaded(
    tmp_path: Path,
) -> None:
    settings = titled(tmp_path, "flats")
    file = tmp_path / "flats" / "use_case.py"
    file.write_text(file.read_text().replace('slices=("city",)', 'slices=("flat",)'))
    message = "use case flats: slice 'flat' is no feature; add it to features"
    with pytest.raises(UseCaseBroken, match=message):
        load_use_case("flats", settings)
