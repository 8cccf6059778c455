"""The choices of an option, which stand twice, because the rooms that have them import torch."""

from mlgcn.cli import parser_of


def choices(command, option):
    """Of `--option` or of a positional argument."""
    actions = parser_of(command)._actions
    (action,) = (a for a in actions if option in (*a.option_strings, a.dest))
    return list(action.choices)
