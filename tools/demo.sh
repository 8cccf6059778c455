#!/usr/bin/env bash
# bash tools/demo.sh: the whole way from nothing to a page of pictures, in minutes on two cores.
# Built-in data -> ADD-GCN and the linear baseline, same split and seed -> scores -> page.
set -euo pipefail
cd "$(dirname "$0")/.."
OUT=${OUT:-demo}
export MLGCN_DATA="$OUT/data" PYTHONWARNINGS=ignore
step() { printf '\n[mlgcn demo %s, %ss] %s\n' "$1" "$SECONDS" "$2"; }
mlgcn() { python -m mlgcn "$@"; }

step 1/6 "drawing the built-in data set"
mlgcn scenes
n=2
for name in addgcn_scenes linear_scenes; do
  step $n/6 "training $name"
  mlgcn train $name --work-dir "$OUT/$name" --seed 0 --force
  step $((n + 1))/6 "scoring $name"
  mlgcn test $name "$(cat "$OUT/$name/last_checkpoint")" \
    --work-dir "$OUT/$name" --metrics all --out "$OUT/$name.npz" --force
  n=$((n + 2))
done
step 6/6 "drawing the page"
mlgcn report "$OUT/addgcn_scenes.npz" "$OUT/linear_scenes.npz" \
  --names ADD-GCN 'Linear baseline' --out "$OUT/page.html" --force \
  --annotations "$MLGCN_DATA/scenes/annotations/instances_val.json"
step done "open $OUT/page.html in a browser. Next: README.md, 'Your own photographs'."
