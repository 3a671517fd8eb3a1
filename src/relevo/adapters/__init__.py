"""One file an outside thing. Only bootstrap imports from here."""
