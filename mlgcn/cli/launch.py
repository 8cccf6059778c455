"""`torchrun` for dist_train.sh and dist_test.sh: `python -m mlgcn.cli.launch GPUS SCRIPT ARGS...`

Machines and restarts come from the environment (see dist_train.sh). Where torchrun prints pages
about its own state when a process fails, this prints the message of the first failure.
"""

import logging
import os
import re
import signal
import sys
import time

LOG_LEVEL = 'TORCH_CPP_LOG_LEVEL'


def rendezvous() -> list[str]:
    """torchrun's options about machines, restarts and ports."""
    get = os.environ.get
    nodes, restarts = get('NNODES', '1'), get('MAX_RESTARTS', '0')
    address, port = get('MASTER_ADDR', '127.0.0.1'), get('PORT', '29500')
    options = [f'--nnodes={nodes}', f'--max-restarts={restarts}']
    if nodes.isdigit() and restarts == '0':
        rank = f'--node-rank={get("NODE_RANK", "0")}'
        return [*options, rank, f'--master-addr={address}', f'--master-port={port}']
    # A store of its own for every start: in the launcher's, processes that start again would find
    # the addresses of those before them.
    os.environ['TORCH_DISABLE_SHARE_RDZV_TCP_STORE'] = '1'
    options += ['--rdzv-backend=c10d', f'--rdzv-id={get("RDZV_ID", "mlgcn")}']
    if nodes == '1':
        return [*options, '--rdzv-endpoint=localhost:0', '--local-addr=localhost']
    return [*options, f'--rdzv-endpoint={address}:{port}']


def first_failure(failures: dict, command: list[str]) -> tuple[str, int]:
    """What a user should read of the processes that failed, and the exit status.

    `failures` holds torchrun's ProcessFailure by rank, also of those that torchrun ended itself.
    """
    killed = {r: f for r, f in failures.items() if f.exitcode < 0 and f.exitcode != -signal.SIGTERM}
    if killed:
        names = [f'process {r} (pid {f.pid}) by {f.signal_name()}' for r, f in killed.items()]
        text = f'error: killed: {", ".join(names)}; perhaps memory ran out (see dmesg)'
        if command[0].endswith('train.py'):
            text += '; --resume goes on from the last checkpoint'
        return text, 128 - next(iter(killed.values())).exitcode

    def order(item: tuple) -> tuple:  # those without a message of their own come last
        data = item[1].error_file_data
        return data.get('caused_by_peer', True), data.get('timestamp', float('inf'))

    rank, failure = min(failures.items(), key=order)
    message = failure.error_file_data['message']
    if message == '<NONE>':  # torch's word for none
        message = f'error: process {rank}: ended with status {failure.exitcode}'
    return message, max(1, *(failure.exitcode for failure in failures.values()))


def no_rendezvous(error: Exception) -> str:
    """What to do when the processes do not find each other."""
    address, port = os.environ.get('MASTER_ADDR', '127.0.0.1'), os.environ.get('PORT', '29500')
    if 'EADDRINUSE' in str(error):
        return f'error: port {port} is taken by another program; choose e.g. PORT={int(port) + 1}'
    seen = f'no rendezvous at {address}:{port} ({str(error).splitlines()[0]})'
    return f'error: {seen}; check MASTER_ADDR, NNODES, NODE_RANK, PORT and the other machines'


def launch(gpus: str, command: list[str]) -> tuple[str, int]:
    """Run the command in as many processes; a message and the exit status."""
    if not re.fullmatch(r'[1-9]\d*', gpus):
        return f'error: GPUS is {gpus!r}; expected a number of processes, e.g. 8', 2
    os.environ.update({'OMP_NUM_THREADS': '1', 'MKL_NUM_THREADS': '1', **os.environ})
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
        return first_failure(error.failures, command)
    except SignalException as error:
        return f'stopped by {signal.Signals(error.sigval).name}', 128 + error.sigval
    except (DistError, RendezvousError) as error:
        return no_rendezvous(error), 2
    except (ValueError, AssertionError, RuntimeError) as error:  # NNODES, PORT, ... are not numbers
        return f'error: {str(error).splitlines()[0]}', 2
    return '', 0


if __name__ == '__main__':
    message, status = launch(sys.argv[1], sys.argv[2:])
    if message:
        print(message, file=sys.stderr)
    sys.exit(status)
