"""What a model looked at: its graphs and maps, drawn on photographs."""

from .page import write_explanations

__all__ = ['write_explanations']
