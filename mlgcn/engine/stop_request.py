"""SIGTERM and SIGINT ask a run to stop; it stops when it has saved."""

import os
import shlex
import signal
import sys
from types import FrameType

from mmengine.registry import FUNCTIONS

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Notes the first SIGTERM or SIGINT; a later SIGINT stops at once.

    `signum` is the signal's number, 0 while there was none.
    """

    def __init__(self):
        self.signum = 0
        self._before: dict[int, object] = {}

    def listen(self) -> None:
        """Take the signals (the main thread must call it)."""
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}

    def ignore(self) -> None:
        """Give the signals back to the handlers that were there before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _note(self, signum: int, frame: FrameType | None) -> None:
        if not self.signum:
            self.signum = signum
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            name = signal.Signals(signum).name
            text = f'{name}: stopping after this iteration, once it is saved (Ctrl-C: at once)\n'
            os.write(sys.stderr.fileno(), text.encode())  # print is not safe in a handler


@FUNCTIONS.register_module()
def leave_process_group(worker_id: int) -> None:
    """`worker_init_fn` of a data loader: signals to the run's process group spare the workers."""
    os.setpgid(0, 0)


def resume_command() -> str:
    """The command line that started this run, with `--resume`.

    Launchers (dist_train.sh, slurm_train.sh) leave theirs in the environment.
    """
    typed = os.environ.get('MLGCN_COMMAND')
    words = shlex.split(typed) if typed else list(sys.orig_argv)
    if '--resume' in words:
        i = words.index('--resume')
        named = words[i + 1 : i + 2] and not words[i + 1].startswith('-')
        del words[i : i + 2 if named else i + 1]
    command = shlex.join([*(w for w in words if not w.startswith('--resume=')), '--resume'])
    several = os.environ.get('GROUP_WORLD_SIZE', '1') != '1'
    return command + (' (on every machine, with its NODE_RANK)' if several else '')
