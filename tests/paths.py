"""Where the tests and their fixtures lie."""

from pathlib import Path

TESTS = Path(__file__).parent
DATA = TESTS / 'data'
