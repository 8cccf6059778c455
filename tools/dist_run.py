#!/usr/bin/env python
"""`torchrun` for dist_train.sh and dist_test.sh: `python tools/dist_run.py GPUS SCRIPT ARGS...`

Machines and restarts come from the environment (see dist_train.sh). Where torchrun prints pages
about its own state when a process fails, this prints the message of the first failure.
"""

import logging
import os
import re
import signal
import sys
import time

THREADS = {'OMP_NUM_THREADS': '1', 'MKL_NUM_THREADS': '1'}
LOG_LEVEL = 'TORCH_CPP_LOG_LEVEL'


def rendezvous() -> list[str]:
    """torchrun's options about machines, restarts and ports."""
    get = os.environ.get
    nodes, restarts = get('NNODES', '1'), get('MAX_RESTARTS', '0')
    address, port = get('MASTER_ADDR', '127.0.0.1'), get('PORT', '29500')
    options = [f'--nnodes={nodes}', f'--max-restarts={restarts}']
    if nodes.isdigit() and restarts == '0':
        rank = get('NODE_RANK', '0')
        return [
            *options,
            f'--node-rank={rank}',
            f'--master-addr={address}',
            f'--master-port={port}',
        ]
    # A store of its own for every start: in the launcher's, processes that start again would find
    # the addresses of those before them.
    os.environ['TORCH_DISABLE_SHARE_RDZV_TCP_STORE'] = '1'
    options += ['--rdzv-backend=c10d', f'--rdzv-id={get("RDZV_ID", "mlgcn")}']
    if nodes == '1':
        return [*options, '--rdzv-endpoint=localhost:0', '--local-addr=localhost']
    return [*options, f'--rdzv-endpoint={address}:{port}']


def report(failures: dict, command: list[str]) -> int:
    """Say what no process could say itself; the exit status.

    Args:
        failures: rank to torchrun's ProcessFailure, with those that torchrun ended itself.
        command: the script and its arguments.
    """
    killed = {
        rank: failure
        for rank, failure in failures.items()
        if failure.exitcode < 0 and failure.exitcode != -signal.SIGTERM
    }
    if killed:
        names = [f'{rank} (pid {f.pid}) by {f.signal_name()}' for rank, f in killed.items()]
        text = f'killed: process {", process ".join(names)}. The kernel does so when memory runs '
        text += 'out (see dmesg). All other processes were stopped'
        if command[0].endswith('train.py'):
            text += '; --resume goes on from the last checkpoint'
        print(f'error: {text}', file=sys.stderr)
        return 128 - next(iter(killed.values())).exitcode

    def order(item: tuple) -> tuple:  # those without a message of their own come last
        data = item[1].error_file_data
        return data.get('caused_by_peer', True), data.get('timestamp', float('inf'))

    rank, failure = min(failures.items(), key=order)
    message = failure.error_file_data['message']
    if message == '<NONE>':  # torch's word for none
        message = f'error: process {rank}: ended with status {failure.exitcode}'
    print(message, file=sys.stderr)
    return max(1, *(failure.exitcode for failure in failures.values()))


def main() -> None:
    gpus, *command = sys.argv[1:]
    if not re.fullmatch(r'[1-9]\d*', gpus):
        print(f'error: GPUS is {gpus!r}; expected a number of processes, e.g. 8', file=sys.stderr)
        sys.exit(2)
    for name, value in THREADS.items():
        os.environ.setdefault(name, value)
    os.environ['MLGCN_STARTED'] = str(time.time())
    level = os.environ.get(LOG_LEVEL, 'ERROR')
    os.environ[LOG_LEVEL] = 'FATAL'  # torch reads it when it is imported
    from torch.distributed import DistError
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous import RendezvousError
    from torch.distributed.run import parse_args, run

    os.environ[LOG_LEVEL] = level  # the processes'
    restarts = os.environ.get('MAX_RESTARTS', '0') != '0'
    logging.disable(logging.WARNING if restarts else logging.CRITICAL)
    try:
        run(parse_args([*rendezvous(), f'--nproc-per-node={gpus}', *command]))
    except ChildFailedError as error:
        sys.exit(report(error.failures, command))
    except SignalException as error:
        print(f'stopped by {signal.Signals(error.sigval).name}', file=sys.stderr)
        sys.exit(128 + error.sigval)
    except (DistError, RendezvousError) as error:
        port = os.environ.get('PORT', '29500')
        if 'EADDRINUSE' in str(error):
            text = f'port {port} is taken by another program; choose another one, e.g. PORT='
            text += str(int(port) + 1)
        else:
            address = os.environ.get('MASTER_ADDR', '127.0.0.1')
            text = f'no rendezvous at {address}:{port} ({str(error).splitlines()[0]}); check'
            text += ' MASTER_ADDR, NNODES, NODE_RANK, that no other program has the port, and that '
            text += 'the other machines have started'
        print(f'error: {text}', file=sys.stderr)
        sys.exit(2)
    except (ValueError, AssertionError, RuntimeError) as error:  # NNODES, PORT, ... are not numbers
        print(f'error: {str(error).splitlines()[0]}', file=sys.stderr)
        sys.exit(2)


if __name__ == '__main__':
    main()
