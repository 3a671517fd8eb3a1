"""Where the person is: one use case, seen in one environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from relevo.app import Loop
from relevo.domain.use_case import UseCase
from relevo.errors import RelevoError
from relevo_ui import cached, words
from relevo_ui.reading.api import Api


@dataclass(frozen=True, slots=True)
class Place:
    case_name: str
    environment: str
    pages: dict[str, StreamlitPage]

    @property
    def loop(self) -> Loop:
        return cached.loop(self.case_name)

    @property
    def case(self) -> UseCase:
        return self.loop.case

    @property
    def api(self) -> Api:
        return cached.api(self.environment)

    def link(
        self, page: str, label: str, icon: str | None = None, **query: str
    ) -> None:
        """To another page, staying at this case and environment."""
        where = {"case": case_title(self.case_name), "env": self.environment, **query}
        st.page_link(self.pages[page], label=label, icon=icon, query_params=where)


def case_title(name: str) -> str:
    """What people call a use case; an address names it so, too."""
    try:
        return cached.loop(name).case.title or words.title(name)
    except RelevoError:
        return words.title(name)


def here() -> Place:
    return cast(Place, st.session_state["place"])


def go(place: Place) -> None:
    st.session_state["place"] = place
