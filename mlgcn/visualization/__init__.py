"""Pages and figures of what models predict."""

from .explanation_page import explanation_pictures, write_explanations
from .report import write_report
