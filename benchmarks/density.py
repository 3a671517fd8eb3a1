"""How dense the product's Python is: `python -m benchmarks density [--files]`.

Measured on a copy that is formatted alike (88 columns, magic trailing commas ignored), so
that it says something of what is written and nothing of how lines are broken.
Tokens are those of the language: names, numbers, operators, strings; no comments.
"""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tempfile
import tokenize
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parent.parent
PRODUCT = ("src", "apps", "use_cases")
LONG_LINE = 100
WIDE_CALL = 7
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
# names that a framework or a person expects in many modules: an entry point, a test of its own
FREE_NAMES = {"main", "log", "upgrade", "revision", "down_revision"}


@dataclass
class Density:
    """What is counted over some files."""

    files: int = 0
    tokens: int = 0
    code_lines: int = 0
    lines: int = 0
    long_lines: int = 0
    conditional_expressions: int = 0
    wide_calls: int = 0
    unformatted: int = 0
    comments: int = 0
    functions: list[int] = field(default_factory=list)
    tokens_by_file: dict[str, int] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def function_median(self) -> float:
        return median(self.functions)

    @property
    def function_p90(self) -> float:
        return quantiles(self.functions, n=10)[-1]

    @property
    def conditionals_per_thousand(self) -> float:
        return 1000 * self.conditional_expressions / self.tokens

    @property
    def long_share(self) -> float:
        return self.long_lines / self.lines

    @property
    def repeated_names(self) -> dict[str, set[str]]:
        """Public names that more than one module defines at its top."""
        return {name: files for name, files in self.names.items() if len(files) > 1}

    def add(self, name: str, text: str) -> None:
        tree = ast.parse(text)
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        rows = [token.start[0] for token in tokens if token.type not in LAYOUT]
        comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
        lines = text.splitlines()
        self.files += 1
        self.tokens += len(rows)
        self.tokens_by_file[name] = len(rows)
        self.code_lines += len(set(rows))
        self.lines += len(lines)
        self.long_lines += sum(len(line) > LONG_LINE for line in lines)
        self.unformatted += sum("fmt: skip" in comment for comment in comments)
        self.comments += sum(not _is_directive(comment) for comment in comments)
        for node in ast.walk(tree):
            if isinstance(node, ast.IfExp):
                self.conditional_expressions += 1
            elif isinstance(node, ast.Call):
                self.wide_calls += len(node.args) >= WIDE_CALL
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                last = node.end_lineno or node.lineno
                self.functions.append(sum(node.lineno <= row <= last for row in rows))
        for public in _public_names(tree):
            self.names[public].add(name)


def _is_directive(comment: str) -> bool:
    return any(mark in comment for mark in ("noqa", "type: ignore", "fmt:", "pragma:"))


def _public_names(tree: ast.Module) -> list[str]:
    found = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign):
            found += [each.id for each in node.targets if isinstance(each, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.append(node.target.id)
    return [
        name for name in found if not name.startswith("_") and name not in FREE_NAMES
    ]


def measure_density(folders: tuple[str, ...] = PRODUCT) -> Density:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *folders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    density = Density()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        names = [
            name for name in listed if name.endswith(".py") and (ROOT / name).is_file()
        ]
        for name in names:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
        settings = copy / "ruff.toml"
        settings.write_text(
            "line-length = 88\n[format]\nskip-magic-trailing-comma = true\n"
        )
        ruff = [
            sys.executable,
            "-m",
            "ruff",
            "format",
            "--quiet",
            "--config",
            str(settings),
        ]
        subprocess.run([*ruff, str(copy)], check=True)
        for name in names:
            density.add(name, (copy / name).read_text())
    return density


def main() -> None:
    density = measure_density()
    print(
        f"{density.tokens:>8,} tokens in {density.files} files, {density.lines:,} lines"
    )
    print(f"{density.tokens / density.code_lines:>8.1f} tokens a line of code")
    print(f"{density.long_share:>8.1%} of lines over {LONG_LINE} characters")
    print(
        f"{density.conditionals_per_thousand:>8.2f} conditional expressions per 1,000 tokens "
        f"({density.conditional_expressions})"
    )
    print(
        f"{density.wide_calls:>8} calls with {WIDE_CALL} or more positional arguments"
    )
    print(f"{density.unformatted:>8} fmt: skip")
    print(f"{density.function_median:>8.0f} tokens a function (median)")
    print(f"{density.function_p90:>8.0f} tokens a function (p90)")
    print(
        f"{100 * density.comments / density.code_lines:>8.1f} comments per 100 lines of code"
    )
    repeated = density.repeated_names
    print(f"{len(repeated):>8} public names in more than one module")
    if "--files" in sys.argv:
        for name, count in sorted(
            density.tokens_by_file.items(), key=lambda item: -item[1]
        ):
            print(f"{count:>8,} {name}")
        for public, files in sorted(repeated.items()):
            print(f"{public}: {', '.join(sorted(files))}")


if __name__ == "__main__":
    main()
