"""`relevo new`: a use case written from a table that a user brings."""

from relevo.scaffold.begin import NewCase, new_case

__all__ = ["NewCase", "new_case"]
