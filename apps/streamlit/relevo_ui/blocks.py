"""Pieces of pages that more than one page shows: headings, chips, evidence, facts and states with nothing to show."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from html import escape

import streamlit as st

from relevo.domain.evidence import Evidence
from relevo.errors import RelevoError
from relevo_ui import words

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
table.facts {border-collapse: collapse; width: 100%; font-size: 0.88rem; border: none}
table.facts td, table.facts th {border: none;
  border-bottom: 1px solid #e8edf1; padding: 0.27rem 0.5rem 0.27rem 0; text-align: left; vertical-align: top; font-weight: normal}
table.facts th {color: #6b7a86; white-space: nowrap}
table.facts td.number, table.facts th.number {text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap}
table.facts tr:last-child td, table.facts tr:last-child th {border-bottom: none}
table.facts .mark {width: 1.4rem; font-weight: 700; text-align: center; padding-right: 0.4rem}
table.facts .yes {color: #2f6f9f} table.facts .no {color: #d1662b} table.facts .quiet {color: #6b7a86}
.answer {font-size: 3.1rem; font-weight: 650; line-height: 1.1; color: #22303c; font-variant-numeric: tabular-nums}
.quiet {color: #6b7a86; font-size: 0.9rem}
code.id {font-size: 0.82rem; color: #4c5a66; background: #eef1f4; padding: 0.08rem 0.35rem; border-radius: 4px; word-break: break-all}
.brand {font-weight: 700; font-size: 1.35rem; letter-spacing: -0.01em; color: #22303c; margin-bottom: -0.5rem}
.nothing {border: 1px dashed #c3ccd4; border-radius: 8px; padding: 1.6rem 1.8rem; margin-top: 0.6rem}
.nothing b {display: block; font-size: 1.05rem; margin-bottom: 0.3rem} .nothing span {color: #4c5a66}
</style>
"""
MARKS = {True: ("yes", "✓"), False: ("no", "✕"), None: ("quiet", "–")}


def heading(title: str, lead: str) -> None:
    st.title(title, anchor=False)
    st.html(f'<div class="lead">{escape(lead)}</div>')


def nothing(what: str, remedy: str) -> None:
    """A state with nothing to show says what to do about it. `code` in backticks is set as code."""
    parts = escape(remedy).split("`")
    said = "".join(
        f"<code>{part}</code>" if place % 2 else part
        for place, part in enumerate(parts)
    )
    st.html(f'<div class="nothing"><b>{escape(what)}</b><span>{said}</span></div>')


@contextmanager
def guarded() -> Iterator[None]:
    """What goes wrong inside is said in words: Relevo's own errors name subject, value and remedy."""
    try:
        yield
    except RelevoError as error:
        nothing("This cannot be shown now", str(error))
    except Exception:
        log.exception("a page failed")
        nothing(
            "This cannot be shown",
            "Reload the page. If it stays like this, the log of this program says why.",
        )


def quiet(text: str) -> None:
    st.html(f'<div class="quiet">{escape(text)}</div>')


def chip(text: str, colour: str = "grey") -> str:
    return f'<span class="chip {colour}">{escape(text)}</span>'


def identity(text: str) -> str:
    return f'<code class="id">{escape(text)}</code>'


def facts(rows: Iterable[tuple[str, str]]) -> None:
    """Names and what they are; the second is HTML already."""
    lines = "".join(
        f"<tr><th>{escape(name)}</th><td>{value}</td></tr>" for name, value in rows
    )
    st.html(f'<table class="facts">{lines}</table>')


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], numbers_from: int = 1
) -> None:
    """Cells are HTML already; columns from `numbers_from` on stand to the right."""

    def line(cells: Sequence[str], tag: str) -> str:
        return "".join(
            f'<{tag} class="{"number" if place >= numbers_from else ""}">{cell}</{tag}>'
            for place, cell in enumerate(cells)
        )

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    st.html(
        f'<table class="facts"><tr>{line([escape(name) for name in head], "th")}</tr>{body}</table>'
    )


def evidence(
    found: Sequence[Evidence], marks: dict[bool | None, tuple[str, str]] = MARKS
) -> None:
    """A line a fact: whether it passed, the sentence, the value and its threshold."""
    lines = []
    for one in found:
        kind, mark = marks[one.passed]
        value = _against(one)
        lines.append(
            f'<tr><td class="mark {kind}">{mark}</td><td>{escape(one.sentence)}</td><td class="number quiet">{value}</td></tr>'
        )
    head = '<tr><th></th><th>Evidence</th><th class="number">measured / limit</th></tr>'
    st.html(f'<table class="facts">{head}{"".join(lines)}</table>')


def _against(one: Evidence) -> str:
    if one.value is None:
        return ""
    if one.threshold is None:
        return _small(one.value)
    return f"{_small(one.value)} / {_small(one.threshold)}"


def _small(value: float) -> str:
    text = words.number(value) if abs(value) >= 0.0005 or value == 0 else f"{value:.1e}"
    return text.replace("-", "−")
