"""Starts the UI: `relevo-ui`, or python -m relevo_ui. Streamlit's own options may follow."""

import sys
from pathlib import Path

from streamlit.web import cli

from relevo.errors import InvalidSetting
from relevo.settings import Settings
from relevo_ui.settings import UiSettings


def main() -> None:
    try:  # a wrong setting stops the start, before the first visitor meets it
        own = UiSettings()
        Settings()
    except InvalidSetting as error:
        sys.exit(str(error))
    options = [f"--server.address={own.host}", f"--server.port={own.port}"]
    script = str(Path(__file__).with_name("app.py"))
    sys.argv = ["streamlit", "run", script, *options, *sys.argv[1:]]
    cli.main()


if __name__ == "__main__":
    main()
