"""`relevo up`: everything on one machine, under one supervisor."""

from relevo.laptop.supervisor import up

__all__ = ["up"]
