"""Options of the commands about data name what the rooms have."""

from cli.choices import choices
from mlgcn.cli import COMMANDS, parser_of
from mlgcn.datasets.hidden_labels import RULES
from mlgcn.datasets.scenes import make_scenes


def test_rules_and_their_amounts():
    assert choices('hide-labels', 'rule') == list(RULES)
    for name, rule in RULES.items():
        amounts = ' '.join(f'{amount}={value:g}' for amount, value in rule.amounts.items())
        text = f'{name:8} {amounts:24} {rule.words}'
        assert ' '.join(text.split()) in ' '.join(COMMANDS['hide-labels'].__doc__.split())


def test_scenes_have_the_functions_defaults():
    given = parser_of('scenes').parse_args([])
    assert (given.seed, given.train, given.val, given.size) == make_scenes.__defaults__
