"""Pages and figures of what models predict."""

from .explanation_page import write_explanations
from .report import write_report

__all__ = ['write_explanations', 'write_report']
