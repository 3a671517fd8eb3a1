"""`relevo up`: everything on one machine, under one supervisor."""

from relevo.local.supervisor import up

__all__ = ["up"]
