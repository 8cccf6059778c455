#!/usr/bin/env bash
# GPUS=8 bash tools/slurm_train.sh PARTITION JOB_NAME CONFIG [ARGS...]
# GPUS, GPUS_PER_NODE, CPUS_PER_TASK, SRUN_ARGS and PORT come from the environment.
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: GPUS=8 bash tools/slurm_train.sh PARTITION JOB_NAME CONFIG [ARGS...]" >&2; exit 2; }
settings() { for name; do [ -z "${!name:-}" ] || printf '%s=%q ' "$name" "${!name}"; done; }
# a stopped run prints it with --resume
export MLGCN_COMMAND="$(settings PYTHON GPUS GPUS_PER_NODE CPUS_PER_TASK SRUN_ARGS PORT)$(printf '%q ' bash "$0" "$@")"
PARTITION=$1 JOB_NAME=$2
shift 2
GPUS=${GPUS:-8}
GPUS_PER_NODE=${GPUS_PER_NODE:-$((GPUS < 8 ? GPUS : 8))}
export MASTER_PORT=${PORT:-$((20000 + RANDOM % 20000))}  # jobs that share a machine must differ
exec srun -p "$PARTITION" --job-name="$JOB_NAME" --gres="gpu:$GPUS_PER_NODE" \
    --ntasks="$GPUS" --ntasks-per-node="$GPUS_PER_NODE" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    "${PYTHON:-python}" -u "$(dirname "$0")/train.py" "$@" --launcher slurm
