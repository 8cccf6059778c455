#!/usr/bin/env bash
# bash tools/dist_train.sh CONFIG GPUS [ARGS...]
# Without a GPU the processes run on the CPU (gloo).
# Several machines: run it on each, with
#   NNODES=4 NODE_RANK=0..3 MASTER_ADDR=(the first one) PORT=29500
# Elastic: MAX_RESTARTS=3 starts all processes again when one fails; they go on from the newest
# checkpoint. NNODES=2:4 lets machines leave and join (no NODE_RANK then). With several machines
# RDZV_ID names the run.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: bash tools/dist_train.sh CONFIG GPUS [ARGS...]" >&2; exit 2; }
settings() { for name; do [ -z "${!name:-}" ] || printf '%s=%q ' "$name" "${!name}"; done; }
# a stopped run prints it with --resume
export MLGCN_COMMAND="$(settings PYTHON NNODES MASTER_ADDR PORT MAX_RESTARTS RDZV_ID)$(printf '%q ' bash "$0" "$@")"
CONFIG=$1 GPUS=$2 TOOLS=$(dirname "$0")
shift 2
exec "${PYTHON:-python}" -m mlgcn.cli.launch "$GPUS" "$TOOLS/train.py" "$CONFIG" "$@" --launcher pytorch
