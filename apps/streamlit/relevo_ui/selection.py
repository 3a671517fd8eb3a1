"""What a person looks at: one use case, in one environment."""

from dataclasses import dataclass
from typing import cast

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from relevo.domain.metrics import Metric, headline
from relevo.domain.use_case import UseCase
from relevo.errors import RelevoError
from relevo_ui import cached, words
from relevo_ui.reading.api import Api
from relevo_ui.reading.record import History


@dataclass(frozen=True, slots=True)
class Selection:
    case_name: str
    environment: str
    pages: dict[str, StreamlitPage]

    @property
    def case(self) -> UseCase:
        return cached.loop(self.case_name).case

    @property
    def headline(self) -> Metric:
        """The one error that people of this task talk about."""
        return headline(self.case.task, self.case.log_target)

    @property
    def unit(self) -> str:
        return self.case.unit

    @property
    def history(self) -> History:
        return cached.case_history(self.case_name)

    @property
    def api(self) -> Api:
        return cached.api(self.environment)

    def key(self, *parts: object) -> str:
        """Of a widget, whose state must not pass on to another use case or environment."""
        return " ".join(map(str, (*parts, self.case_name, self.environment)))

    def link(self, page: str, label: str, **query: str) -> None:
        """To another page, with the same use case and environment."""
        query |= {"case": case_title(self.case_name), "env": self.environment}
        icon = ":material/arrow_forward:"
        st.page_link(self.pages[page], label=label, icon=icon, query_params=query)


def case_title(name: str) -> str:
    """The use case's title; addresses contain it, too."""
    try:
        return cached.loop(name).case.title or words.title(name)
    except RelevoError:
        return words.title(name)


def current_selection() -> Selection:
    return cast(Selection, st.session_state["selection"])


def select(selection: Selection) -> None:
    st.session_state["selection"] = selection
