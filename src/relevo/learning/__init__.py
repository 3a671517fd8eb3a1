"""How models are made, compared, judged and written down. Needs the domain only."""
