"""The whole UI: five pages for one selected use case. Each page is one file in views/."""

from pathlib import Path

import streamlit as st

from relevo_ui import blocks, sidebar
from relevo_ui.selection import select
from relevo_ui.views import data, history, live, models, predict

LOGO = Path(__file__).parent / "relevo.svg"
PAGES = {
    "Predict": (predict.render_predict, ":material/calculate:"),
    "History": (history.render_history, ":material/timeline:"),
    "Models": (models.render_models, ":material/compare_arrows:"),
    "Data": (data.render_data, ":material/table_rows:"),
    "Live": (live.render_live, ":material/monitoring:"),
}


def main() -> None:
    st.set_page_config("Relevo", str(LOGO), layout="wide")
    st.html(blocks.STYLE)
    st.logo(str(LOGO.with_name("wordmark.svg")), size="large")
    pages = {
        title: st.Page(render, title=title, icon=icon, url_path=title.lower())
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
