#!/usr/bin/env bash
# bash tools/demo.sh: from pictures to a model with evidence, thresholds and explanations, in minutes
# on two cores. "Own photographs" are 400 pictures of the built-in generator; the frozen backbone,
# which ImageNet's weights would be, is trained for two minutes on others of them.
# Arguments make it smaller: bash tools/demo.sh PRETRAINING-PICTURES OWN-PICTURES EPOCHS
set -euo pipefail
cd "$(dirname "$0")/.."
OUT=${OUT:-demo}
pictures=${1:-1600} own=${2:-400} epochs=${3:-16}
export MLGCN_DATA="$OUT/data" PYTHONWARNINGS=ignore
step() { printf '\n[mlgcn demo %s, %ss] %s\n' "$1" "$SECONDS" "$2"; }
mlgcn() { python -m mlgcn "$@"; }
photos="$OUT/photos"
lists=("own.train=$photos/train.csv" "own.val=$photos/val.csv" own.group=occasion)

step 1/6 "drawing $own pictures to name what is on them: look at $photos/train"
mlgcn scenes "$photos" --seed 1 --train "$own" --val $((own / 2))
python - "$photos" <<'PYTHON'  # lists as one writes them by hand; every picture is its own occasion
import csv, json, sys
for split in ('train', 'val'):
    with open(f'{sys.argv[1]}/annotations/instances_{split}.json') as file:
        content = json.load(file)
    names = {c['id']: c['name'] for c in content['categories']}
    labels = {image['id']: set() for image in content['images']}
    for box in content['annotations']:
        labels[box['image_id']].add(names[box['category_id']])
    with open(f'{sys.argv[1]}/{split}.csv', 'w', newline='') as file:
        rows = csv.writer(file)
        rows.writerow(['file', 'labels', 'occasion'])
        for image in content['images']:
            listed = '|'.join(sorted(labels[image['id']]))
            rows.writerow([f'{split}/{image["file_name"]}', listed, image['id']])
PYTHON
step 2/6 "checking pictures and annotations: see $OUT/check/dataset_check.txt"
mlgcn check demo_linear --work-dir "$OUT/check" --force --cfg-options "${lists[@]}"
step 3/6 "training a small backbone on $pictures other pictures (mAP after each epoch)"
mlgcn scenes "$OUT/data/scenes" --train "$pictures" --val $((pictures / 8))
mlgcn train linear_scenes --work-dir "$OUT/backbone" --seed 0 --force \
  --cfg-options train_cfg.max_epochs="$epochs" train_cfg.val_interval=1
backbone="model.backbone.init_cfg.checkpoint=$(cat "$OUT/backbone/last_checkpoint")"
step 4/6 "which head is best on it? Three of them, on folds: open $OUT/compared/comparison.html"
mlgcn compare "${lists[@]}" --heads demo_linear demo_csra demo_addgcn --sizes 96 --seeds 1 --folds 3 \
  --out "$OUT/compared" --cfg-options "$backbone"
step 5/6 "the best one names pictures that it never saw, by the thresholds chosen: $OUT/drawn"
mlgcn predict "$OUT/compared/model.pth" "$photos"/val/*00[0-2]?.jpg --out "$OUT/predictions.csv" \
  --show-dir "$OUT/drawn" --force
step 6/6 "where it looked, for three of them: open $OUT/seen/index.html"
mlgcn visualize "$OUT/compared/model.pth" "$photos"/val/*00[1-3].jpg --out "$OUT/seen" --force --top-k 3
step done "open in a browser: $OUT/compared/comparison.html, $OUT/compared/report.html, $OUT/seen/index.html.
Next: README.md, 'Your own photographs'."
