"""Live: what is answered now."""
from relevo_ui import blocks
def show() -> None:
    blocks.heading("Live", "soon")
