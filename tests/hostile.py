"""A pickle that runs code."""


class Touch:
    """Would create the file `path` when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), 'w')
