#!/usr/bin/env bash
# bash tools/dist_test.sh CONFIG CHECKPOINT GPUS [ARGS...]
# Without a GPU the processes run on the CPU (gloo).
# Several machines: run it on each, with
#   NNODES=4 NODE_RANK=0..3 MASTER_ADDR=(the first one) PORT=29500
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: bash tools/dist_test.sh CONFIG CHECKPOINT GPUS [ARGS...]" >&2; exit 2; }
CONFIG=$1 CHECKPOINT=$2 GPUS=$3 TOOLS=$(dirname "$0")
shift 3
exec "${PYTHON:-python}" -m mlgcn.cli.launch "$GPUS" "$TOOLS/test.py" "$CONFIG" "$CHECKPOINT" "$@" --launcher pytorch
