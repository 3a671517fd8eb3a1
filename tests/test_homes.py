"""What is known in one place is spelled in that place alone: source checks that find a second one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from relevo.releases import release_folder

ROOT = Path(__file__).parent.parent
TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for folder in ("src", "apps", "use_cases")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if ".venv" not in path.parts
}
# the data API is a program of its own: its image holds nothing of src
OWN_PROGRAM = "apps/data-api/relevo_data_api"

RELEASE_FILES = {
    value
    for name, value in vars(release_folder).items()
    if name.endswith(("_FILE", "_FOLDER"))
}

SLEEPS = {
    "src/relevo/local/sessions.py": "waits for processes to end, which report nothing",
    "src/relevo/serving/log/shipper.py": "paces the last tries, when no event is left to wait for",
}
WHOLE_FILES = {
    "src/relevo/whole_file.py": "the home",
    f"{OWN_PROGRAM}/cursor.py": "has nothing of src",
    "src/relevo/adapters/mlflow/registry.py": "a database that MLflow writes by its path",
}
FLOAT32 = {
    "src/relevo/domain/kinds.py": "the home: what a model takes for a value",
    "src/relevo/domain/frame.py": "names the type",
    "src/relevo/features/model_inputs.py": "rows of a request",
    "src/relevo/adapters/sql/frames.py": "rows of the warehouse",
}
# a name that something else asks a module for
ASKED_FOR = {
    "main": "entry points, which pyproject.toml names",
    "log": "a module's own logger",
    "upgrade": "Alembic",
    "revision": "Alembic",
    "down_revision": "Alembic",
    "branch_labels": "Alembic",
    "depends_on": "Alembic",
}


def strings(tree: ast.Module) -> Iterator[str]:
    """Those that the program uses, without documentation."""
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in documentation:
                yield text


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    return ast.unparse(call.func)


def imports(tree: ast.Module) -> set[str]:
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    return modules


def public_names(tree: ast.Module) -> set[str]:
    names = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {each.id for each in node.targets if isinstance(each, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return {name for name in names if not name.startswith("_")}


def files_where(matches: dict[str, bool]) -> set[str]:
    return {name for name, is_there in matches.items() if is_there}


def test_the_files_of_a_release_are_named_in_one_module() -> None:
    assert {"model.onnx", "release.json", "profile.json"} <= RELEASE_FILES
    # "native" and "pictures" are plain words too, so as a folder they end with a slash
    named = re.compile(
        "|".join(
            rf"(^|/){re.escape(name)}" + ("$" if "." in name else "/")
            for name in sorted(RELEASE_FILES)
        )
    )
    homes = {
        name: any(named.search(text) for text in strings(tree))
        for name, tree in TREES.items()
    }
    assert files_where(homes) == {"src/relevo/releases/release_folder.py"}


def test_the_keys_of_stored_releases_are_made_in_one_module() -> None:
    homes = {
        name: any(text.startswith("releases/") for text in strings(tree))
        for name, tree in TREES.items()
    }
    assert files_where(homes) == {"src/relevo/releases/stored_release.py"}


def test_files_are_made_whole_in_one_module() -> None:
    """`PATH.replace(PATH)` has one argument; `replace` of a text or a date has not."""

    def is_whole(call: ast.Call) -> bool:
        moves = called(call).endswith(".replace") and len(call.args) == 1
        return moves or called(call) in (
            "os.fsync",
            "os.fdatasync",
            "os.replace",
            "os.rename",
            "shutil.move",
        )

    homes = {name: any(map(is_whole, calls(tree))) for name, tree in TREES.items()}
    assert files_where(homes) == WHOLE_FILES.keys()


def test_only_stamina_tries_again() -> None:
    """A loop that sleeps is a retry of its own, unless it is listed with its reason."""
    sleeps = {
        name: any(called(call).split(".")[-1] == "sleep" for call in calls(tree))
        for name, tree in TREES.items()
    }
    assert files_where(sleeps) == SLEEPS.keys()


def test_there_is_one_dockerfile() -> None:
    found = [
        path.relative_to(ROOT).as_posix()
        for pattern in ("*/*", "*/*/*")
        for path in ROOT.glob(pattern)
        if "Dockerfile" in path.name and path.is_file() and ".venv" not in path.parts
    ]
    assert found == ["apps/Dockerfile"]


@pytest.mark.parametrize(
    "name", [name for name in TREES if name.startswith("apps/inference-api/")]
)
def test_the_api_answers_in_the_shapes_of_the_library(name: str) -> None:
    """relevo.serving.responses has every shape: the API has no model and no literal of its own."""
    tree = TREES[name]
    models = {module for module in imports(tree) if "BaseModel" in module}
    assert not models
    literals = [
        ast.unparse(call)
        for call in calls(tree)
        if re.search(r"(Response|encode|answer|send_json)$", called(call))
        and any(isinstance(argument, ast.Dict) for argument in call.args)
    ]
    assert not literals


def test_a_cell_becomes_a_models_number_in_one_place() -> None:
    """Rooms that meet cells of rows: what learns works on the matrices that these make."""
    met = ("domain/", "features/", "formats/", "loop/", "serving/", "adapters/sql/")
    rooms = ("apps/", "use_cases/", *(f"src/relevo/{room}" for room in met))

    def makes_numbers(tree: ast.Module) -> bool:
        return any(
            re.search(r"(float32|Floats)\b", ast.unparse(argument))
            for call in calls(tree)
            if re.search(
                r"^np\.(array|asarray|fromiter)$|\.(astype|cast)$", called(call)
            )
            for argument in (*call.args, *(each.value for each in call.keywords))
        )

    homes = {
        name: makes_numbers(tree)
        for name, tree in TREES.items()
        if name.startswith(rooms)
    }
    assert files_where(homes) <= FLOAT32.keys()


def test_two_models_are_compared_in_one_module() -> None:
    """Whoever compares asks `compare`; nobody else measures the answers of a pair."""
    compares = {name: "compare" in public_names(tree) for name, tree in TREES.items()}
    assert files_where(compares) == {"src/relevo/learning/comparison.py"}
    contenders = {
        name: sum(called(call) == "Contender" for call in calls(tree)) > 1
        or sum(called(call) == "OnnxModel" for call in calls(tree)) > 1
        for name, tree in TREES.items()
    }
    assert files_where(contenders) == set()
    paired = {
        name: "relevo.domain.paired.paired_test" in imports(tree)
        for name, tree in TREES.items()
    }
    assert files_where(paired) == {"src/relevo/domain/contest.py"}


def test_a_public_name_means_one_thing() -> None:
    homes: dict[str, set[str]] = {}
    for name, tree in TREES.items():
        # a use case is a program of its own: its file is loaded by its folder
        if not name.startswith("use_cases/"):
            for public in public_names(tree):
                homes.setdefault(public, set()).add(name)
    repeated = {
        public: files
        for public, files in homes.items()
        if len(files) > 1 and public not in ASKED_FOR
    }
    assert repeated == {}
