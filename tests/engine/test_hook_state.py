"""State of hooks: saved, restored, and named where no checkpoint holds it."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.hooks import EarlyStoppingHook, Hook, LoggerHook

from mlgcn.engine.hook_state import hook_states, plain_attributes, set_hook_states


class Counting(Hook):
    """A hook of a user, whose state nobody saves."""

    def __init__(self):
        self.seen = 0
        self.model = SimpleNamespace()


class Declared(Counting):
    resumed = ('seen',)


class WithStateDict(Counting):
    def state_dict(self):
        return dict(seen=self.seen)

    def load_state_dict(self, state):
        self.seen = state['seen']


def hooks():
    return [EarlyStoppingHook('mAP'), LoggerHook(), Counting(), Declared(), WithStateDict()]


@pytest.mark.parametrize('score', [41.5, np.float64(41.5)])
def test_there_and_back(score):
    before = [*hooks(), EarlyStoppingHook('CF1', rule='greater')]
    before[0].wait_count, before[0].best_score = 3, score
    before[3].seen, before[4].seen, before[5].wait_count = 4, 5, 6
    states = hook_states(before)
    assert json.loads(json.dumps(states))['EarlyStoppingHook'] == dict(
        wait_count=3, best_score=41.5
    )
    assert list(states) == ['EarlyStoppingHook', 'Declared', 'WithStateDict', 'EarlyStoppingHook 2']
    after = [*hooks(), EarlyStoppingHook('CF1', rule='greater')]
    assert set_hook_states(after, states) == []
    assert (after[0].wait_count, after[0].best_score) == (3, 41.5)
    assert [hook.seen for hook in after[2:5]] == [0, 4, 5] and after[5].wait_count == 6


def test_a_hook_without_saved_state_is_named():
    assert set_hook_states(hooks(), {}) == ['EarlyStoppingHook', 'Declared', 'WithStateDict']


def test_attributes_that_no_checkpoint_holds():
    assert plain_attributes(hooks()) == {'Counting.seen': '0'}
