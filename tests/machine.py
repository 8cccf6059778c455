"""Whole tools in forked processes (nothing is imported again), and hooks that do harm."""

import json
import multiprocessing.connection
import os
import resource
import runpy
import signal
import socket
import sys
import time
from multiprocessing import forkserver
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from tiny import ROOT

from mlgcn.cli import main
from mlgcn.engine.launch import end_with_parent

FORK = multiprocessing.get_context('fork')


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return str(probe.getsockname()[1])


def write_to(log):
    """All output of this process goes into a file."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.stdout, sys.stderr = os.fdopen(1, 'w'), os.fdopen(2, 'w', buffering=1)


def _tool(log, name, args, environment):
    write_to(log)
    os.environ.update(environment)
    sys.argv = [f'tools/{name}.py', *map(str, args)]
    runpy.run_path(str(ROOT / 'tools' / f'{name}.py'), run_name='__main__')


def run_tool(folder, name, *args, ranks=1):
    """Run `tools/NAME.py ARGS` in `ranks` processes; the exit status and text of each."""
    world = dict(WORLD_SIZE=str(ranks), MASTER_ADDR='127.0.0.1', MASTER_PORT=free_port())
    args = args if ranks == 1 else (*args, '--launcher', 'pytorch')
    processes, logs = [], []
    for rank in range(ranks):
        logs.append(Path(folder, f'{name}_{rank}.log'))
        environment = {} if ranks == 1 else dict(world, RANK=str(rank), LOCAL_RANK=str(rank))
        processes.append(FORK.Process(target=_tool, args=(logs[-1], name, args, environment)))
        processes[-1].start()
    for process in processes:
        process.join(timeout=600)
        process.kill()
        process.join()
    return [(process.exitcode, log.read_text()) for process, log in zip(processes, logs)]


def errors(text):
    """What a user reads of an output: its lines that start with 'error:'."""
    assert 'Traceback' not in text, text[-3000:]
    return [line for line in text.splitlines() if line.startswith('error:')]


@HOOKS.register_module()
class Harm(Hook):
    """Does `kind` in process `rank` before iteration `at`."""

    def __init__(self, kind, rank=0, *, at):
        self.harm, self.rank, self.at = getattr(self, kind), rank, at

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.rank == self.rank and runner.iter == self.at:
            self.harm()

    def wrong_label(self):
        raise ValueError('photo 7.jpg: wrong label')

    def kill_once(self):
        if os.environ['TORCHELASTIC_RESTART_COUNT'] == '0':
            os.kill(os.getpid(), signal.SIGKILL)

    def wait(self):
        time.sleep(300)

    def disk_full(self):
        """As for one who may not mount a small disk: files stay below 100 kB (checkpoints: 400)."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    def kill_workers(self):
        """Before the first iteration of an epoch: its last batch is not asked for yet."""
        for child in multiprocessing.active_children():
            child.kill()
            child.join()


# Stands for `python`: commands of mlgcn run in the process of `serve_commands`; others as always.
CLIENT = """#!{python} -SE
import json, os, signal, socket, sys
args = [arg for arg in sys.argv[1:] if arg != '-u']
if args[:2] != ['-m', 'mlgcn'] and not os.path.abspath(args[0]).startswith({tools!r}):
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
content = json.dumps([args, os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [b'%9d' % len(content)], [0, 1, 2])
server.sendall(content)
status = int(server.makefile().read())
if status < 0:
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


def serve_commands(listening):
    """The body of a process: starts what each client asks for in a fork, so nothing is imported."""
    end_with_parent(signal.SIGKILL)
    while True:
        client, _ = listening.accept()
        FORK.Process(target=_serve, args=(client,)).start()
        client.close()
        multiprocessing.active_children()  # joins those that have ended


def _serve(client):
    head, files, *_ = socket.recv_fds(client, 9, 3)
    content = json.loads(client.makefile('rb').read(int(head)))
    process = FORK.Process(target=_command, args=(files, *content))
    process.start()
    multiprocessing.connection.wait([process.sentinel, client])
    process.kill()  # where the client has been killed
    process.join()
    client.sendall(str(process.exitcode).encode())


def _command(files, args, folder, environment):
    for number, file in enumerate(files):
        os.dup2(file, number)
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, 'w')
    sys.stderr = os.fdopen(2, 'w', buffering=1)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a run of another test may have taken it
    forkserver._forkserver.__init__()  # the test process's is no child of this one
    sys.path[:0] = environment.get('PYTHONPATH', '').split(os.pathsep)
    sys.argv = args if args[0] != '-m' else args[1:]
    if args[0] == '-m':
        main()
    else:
        runpy.run_path(args[0], run_name='__main__')
