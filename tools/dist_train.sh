#!/usr/bin/env bash
# bash tools/dist_train.sh CONFIG GPUS [ARGS...]
# Several machines: run it on each with NNODES, NODE_RANK, MASTER_ADDR and PORT set.
# Without a GPU the processes run on the CPU (gloo).
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: bash tools/dist_train.sh CONFIG GPUS [ARGS...]" >&2; exit 2; }
CONFIG=$1 GPUS=$2
shift 2
set -- "$CONFIG" "$@"
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$GPUS" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    "$(dirname "$0")/train.py" "$@" --launcher pytorch
