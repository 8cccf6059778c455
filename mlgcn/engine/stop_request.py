"""SIGTERM and SIGINT ask a run to stop; it stops when it has saved."""

import os
import shlex
import signal
import sys
from types import FrameType

from mmengine.registry import FUNCTIONS

SIGNALS = (signal.SIGTERM, signal.SIGINT)
STARTED_WITH = ('PYTHON', 'NNODES', 'PORT', 'MAX_RESTARTS')


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
        """Give the signals back to those who had them."""
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
    """`worker_init_fn` of a data loader: signals to the run's process group do not reach workers.

    Otherwise Ctrl-C in a terminal, `timeout` or a job scheduler would end them before the run has
    finished its iteration. They end by themselves when the run does.
    """
    os.setpgid(0, 0)


def resume_command() -> str:
    """The command line that started this run, with `--resume`."""
    script, *arguments = sys.argv
    if '--resume' in arguments:
        i = arguments.index('--resume')
        named = arguments[i + 1 : i + 2] and not arguments[i + 1].startswith('-')
        del arguments[i : i + 2 if named else i + 1]
    arguments = [a for a in arguments if not a.startswith('--resume=')]
    launcher = arguments.index('--launcher') if '--launcher' in arguments else None
    if launcher is None:
        python = sys.orig_argv[: -len(sys.argv)]
        return shlex.join([*python, script, *arguments, '--resume'])
    kind = arguments[launcher + 1]
    del arguments[launcher : launcher + 2]
    folder, get = os.path.dirname(script), os.environ.get
    if kind == 'slurm':
        names = [get('SLURM_JOB_PARTITION', 'PARTITION'), get('SLURM_JOB_NAME', 'JOB_NAME')]
        start = [f'GPUS={get("SLURM_NTASKS")}', 'bash', f'{folder}/slurm_train.sh', *names]
        return shlex.join([*start, *arguments, '--resume'])
    settings = [f'{k}={get(k)}' for k in STARTED_WITH if get(k)]
    start = [*settings, 'bash', f'{folder}/dist_train.sh', arguments[0], get('LOCAL_WORLD_SIZE')]
    several = get('GROUP_WORLD_SIZE', '1') != '1'
    command = shlex.join([*start, *arguments[1:], '--resume'])
    return command + (' (on every machine, NODE_RANK and MASTER_ADDR as before)' if several else '')
