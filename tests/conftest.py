"""Shared by all tests: tests/ on sys.path (for `fill`), one thread, fixture files."""

import sys
from pathlib import Path

import torch

TESTS = Path(__file__).parent
DATA = TESTS / 'data'
sys.path.insert(0, str(TESTS))
torch.set_num_threads(1)
