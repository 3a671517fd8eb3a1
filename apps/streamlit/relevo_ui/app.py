"""The whole UI: five pages for one selected use case. Each page is one file in views/."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from relevo_ui import blocks, sidebar
from relevo_ui.selection import select
from relevo_ui.views.data import render_data
from relevo_ui.views.history import render_history
from relevo_ui.views.live import render_live
from relevo_ui.views.models import render_models
from relevo_ui.views.predict import render_predict

LOGO = Path(__file__).parent / "relevo.svg"
PAGES = {
    "Predict": (render_predict, ":material/calculate:"),
    "History": (render_history, ":material/timeline:"),
    "Models": (render_models, ":material/compare_arrows:"),
    "Data": (render_data, ":material/table_rows:"),
    "Live": (render_live, ":material/monitoring:"),
}


def main() -> None:
    st.set_page_config(
        "Relevo", str(LOGO), layout="wide", initial_sidebar_state="expanded"
    )
    st.html(blocks.STYLE)
    st.logo(str(LOGO.with_name("wordmark.svg")), size="large")
    pages = {
        title: st.Page(
            render,
            title=title,
            icon=icon,
            url_path=title.lower(),
            default=title == "Predict",
        )
        for title, (render, icon) in PAGES.items()
    }
    page = st.navigation(list(pages.values()))
    with blocks.guarded():
        selection = sidebar.selection_widgets(pages)
        if selection is None:
            blocks.empty_state(
                "No use case yet",
                "Make one: `relevo new NAME --from TABLE --target COLUMN`, then reload this page.",
            )
            return
        select(selection)
        page.run()
        sidebar.champion_status(selection)


if __name__ == "__main__":
    main()
