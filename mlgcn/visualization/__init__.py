"""Pages and pictures of what models predict."""

from .page import write_page

__all__ = ['write_page']
