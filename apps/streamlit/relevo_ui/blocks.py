"""Pieces that several pages share: headings, chips, tables, evidence, figures, empty states."""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

import streamlit as st

from relevo.domain.evidence import Evidence
from relevo.errors import RelevoError
from relevo_ui import cached, words
from relevo_ui.charts.look import Figure

log = logging.getLogger(__name__)

STYLE = """
<style>
.block-container, [data-testid="stMainBlockContainer"] {padding: 1.4rem 2.6rem 2rem; max-width: 1500px}
[data-testid="stSidebarUserContent"] {padding-top: 0.4rem}
[data-testid="stHeader"] {background: transparent}
[data-testid="stHtml"] a {color: #2f6f9f; text-decoration: none} [data-testid="stHtml"] a:hover {text-decoration: underline}
.lead {color: #6b7a86; margin: -0.6rem 0 0.2rem; font-size: 0.98rem}
.chip {display: inline-block; padding: 0.05rem 0.55rem; border-radius: 1rem; font-size: 0.82rem; font-weight: 600; white-space: nowrap}
.chip.blue {background: #e8f1f8; color: #1f567f} .chip.orange {background: #fbeee6; color: #a34a18}
.chip.grey {background: #eef1f4; color: #4c5a66}
table.details {border-collapse: collapse; width: 100%; font-size: 0.88rem; border: none}
table.details td, table.details th {border: none;
  border-bottom: 1px solid #e8edf1; padding: 0.27rem 0.5rem 0.27rem 0; text-align: left; vertical-align: top; font-weight: normal}
table.details th {color: #6b7a86; white-space: nowrap}
table.details td.number, table.details th.number {text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap}
table.details tr:last-child td, table.details tr:last-child th {border-bottom: none}
table.details .mark {width: 1.4rem; font-weight: 700; text-align: center; padding-right: 0.4rem}
table.details .yes {color: #2f6f9f} table.details .no {color: #d1662b} table.details .quiet {color: #6b7a86}
.answer {font-size: 3.1rem; font-weight: 650; line-height: 1.1; color: #22303c; font-variant-numeric: tabular-nums}
.quiet {color: #6b7a86; font-size: 0.9rem}
code.id {font-size: 0.82rem; color: #4c5a66; background: #eef1f4; padding: 0.08rem 0.35rem; border-radius: 4px; word-break: break-all}
.figure {color: #6b7a86; font-size: 0.82rem; line-height: 1.35; margin-bottom: -0.8rem}
.figure b {display: block; color: #22303c; font-size: 0.95rem; font-weight: 600}
@media (max-width: 640px) {[data-testid="stMainBlockContainer"] {padding: 4.2rem 1.2rem 2rem}}
.empty {border: 1px dashed #c3ccd4; border-radius: 8px; padding: 1.6rem 1.8rem; margin-top: 0.6rem}
.empty b {display: block; font-size: 1.05rem; margin-bottom: 0.3rem} .empty span {color: #4c5a66}
</style>
"""
MARKS_OF_PASSED = {True: ("yes", "✓"), False: ("no", "✕"), None: ("quiet", "–")}
# a second more than what is read is cached for, so that each refresh shows something new
REFRESH_SECONDS = 4


def heading(title: str, lead: str) -> None:
    st.title(title, anchor=False)
    st.html(f'<div class="lead">{escape(lead)}</div>')


def empty_state(title: str, remedy: str) -> None:
    """Nothing to show, and what to do about it. `code` in backticks is set as code."""
    remedy = re.sub("`(.*?)`", r"<code>\1</code>", escape(remedy))
    st.html(f'<div class="empty"><b>{escape(title)}</b><span>{remedy}</span></div>')


@contextmanager
def guarded() -> Iterator[None]:
    """Errors are shown as text: Relevo's own ones name subject, value and remedy."""
    try:
        yield
    except RelevoError as error:
        empty_state("This cannot be shown now", str(error))
    except Exception:
        log.exception("a page failed")
        empty_state(
            "This cannot be shown",
            "Reload the page. If the error stays, read the log of this program.",
        )


def quiet(text: str) -> None:
    st.html(f'<div class="quiet">{escape(text)}</div>')


def chip(text: str, colour: str = "grey") -> str:
    return f'<span class="chip {colour}">{escape(text)}</span>'


def identity(text: str) -> str:
    return f'<code class="id">{escape(text)}</code>'


def version_link(case: str, version: str) -> str:
    """The version, linked where MLflow has pages."""
    label = f"Version {escape(version)}"
    mlflow = cached.settings().mlflow()
    if mlflow is None:
        return label
    return f'<a href="{mlflow}/#/models/{case}/versions/{version}" target="_blank">{label}</a>'


def details(rows: Iterable[tuple[str, str]]) -> None:
    """Names and values; the values are HTML already."""
    lines = (
        f"<tr><th>{escape(name)}</th><td>{value}</td></tr>" for name, value in rows
    )
    _table("".join(lines))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Cells are HTML already; all columns but the first are aligned to the right."""
    _table(_line("th", map(escape, head)) + "".join(_line("td", row) for row in rows))


def evidence_table(
    evidences: Iterable[Evidence],
    marks: dict[bool | None, tuple[str, str]] = MARKS_OF_PASSED,
) -> None:
    """One line per fact: whether it passed, the sentence, the value and its threshold."""
    lines = [
        '<tr><th></th><th>Evidence</th><th class="number">measured / limit</th></tr>'
    ]
    for each in evidences:
        style, mark = marks[each.passed]
        numbers = [n for n in (each.value, each.threshold) if n is not None]
        lines.append(
            f'<tr><td class="mark {style}">{mark}</td><td>{escape(each.sentence)}</td>'
            f'<td class="number quiet">{" / ".join(map(words.small, numbers))}</td></tr>'
        )
    _table("".join(lines))


def show_figure(figure: Figure, **options: Any) -> None:
    """The chart under its title, which is HTML because those of Vega do not wrap."""
    st.html(
        f'<div class="figure"><b>{escape(figure.title)}</b>{escape(figure.note)}</div>'
    )
    st.altair_chart(figure.chart, **options)


def _table(lines: str) -> None:
    st.html(f'<table class="details">{lines}</table>')


def _line(tag: str, cells: Iterable[str]) -> str:
    first, *others = cells
    numbers = "".join(f'<{tag} class="number">{cell}</{tag}>' for cell in others)
    return f"<tr><{tag}>{first}</{tag}>{numbers}</tr>"


def widths(**pixels: int) -> dict[str, Any]:
    """Of a dataframe's columns."""
    return {name: {"width": width} for name, width in pixels.items()}
