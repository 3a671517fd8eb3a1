"""The whole UI: five pages, one place to look from. Each page is one file in views/."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from relevo_ui import blocks, place, sidebar
from relevo_ui.views import data, history, live, models, predict

LOGO = Path(__file__).parent / "relevo.svg"


def main() -> None:
    st.set_page_config(
        "Relevo", str(LOGO), layout="wide", initial_sidebar_state="expanded"
    )
    st.html(blocks.STYLE)
    st.logo(str(LOGO.with_name("wordmark.svg")), size="large")
    pages = {
        "predict": st.Page(
            predict.show,
            title="Predict",
            icon=":material/calculate:",
            url_path="predict",
            default=True,
        ),
        "history": st.Page(
            history.show,
            title="History",
            icon=":material/timeline:",
            url_path="history",
        ),
        "models": st.Page(
            models.show,
            title="Models",
            icon=":material/compare_arrows:",
            url_path="models",
        ),
        "data": st.Page(
            data.show, title="Data", icon=":material/table_rows:", url_path="data"
        ),
        "live": st.Page(
            live.show, title="Live", icon=":material/monitoring:", url_path="live"
        ),
    }
    page = st.navigation(list(pages.values()))
    with blocks.guarded():
        where = sidebar.choose(pages)
        if where is None:
            blocks.nothing(
                "No use case yet",
                "Make one: `relevo new NAME --from TABLE --target COLUMN`, then reload this page.",
            )
            return
        place.go(where)
        page.run()
        sidebar.present(where)


if __name__ == "__main__":
    main()
