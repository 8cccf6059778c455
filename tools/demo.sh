#!/usr/bin/env bash
# bash tools/demo.sh: from pictures to a model with evidence, thresholds and explanations, in minutes
# on two cores. "Own photographs" are 400 pictures of the built-in generator; the frozen backbone,
# which ImageNet's weights would be, is trained for a minute on others of them.
# Arguments make it smaller: bash tools/demo.sh PRETRAINING-PICTURES OWN-PICTURES EPOCHS
set -euo pipefail
cd "$(dirname "$0")/.."
OUT=${OUT:-demo}
pictures=${1:-1600} own=${2:-400} epochs=${3:-16}
export MLGCN_DATA="$OUT/data" PYTHONWARNINGS=ignore
step() { printf '\n[mlgcn demo %s, %ss] %s\n' "$1" "$SECONDS" "$2"; }
ready() { printf '[mlgcn demo, %ss] ready to look at: %s\n' "$SECONDS" "$1"; }
mlgcn() { python -m mlgcn "$@"; }
photos="$OUT/photos"
lists=("own.train=$photos/train.csv" "own.val=$photos/val.csv" own.group=occasion)

step 1/6 "drawing $own pictures to name what is on them"
mlgcn scenes "$photos" --seed 1 --train "$own" --val $((own / 2))
# lists as one writes them by hand, where every picture is its own occasion; some of them on one sheet
python - "$photos" <<'PYTHON'
import csv, json, sys
from PIL import Image, ImageDraw
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
    if split == 'train':
        sheet = Image.new('RGB', (8 * 160, 5 * 220), 'white')
        for i, image in enumerate(content['images'][:40]):
            place = i % 8 * 160 + 16, i // 8 * 220 + 8
            sheet.paste(Image.open(f'{sys.argv[1]}/{split}/{image["file_name"]}'), place)
            names_below = '\n'.join(sorted(labels[image['id']])[:6])
            ImageDraw.Draw(sheet).text((place[0], place[1] + 130), names_below, 'black')
        sheet.save(f'{sys.argv[1]}/sheet.png')
PYTHON
ready "$photos/sheet.png, the first of them with their labels"
step 2/6 "checking pictures and annotations"
mlgcn check demo_linear --work-dir "$OUT/check" --force --cfg-options "${lists[@]}"
ready "$OUT/check/dataset_check.txt, pictures of every label and what is wrong with them"
step 3/6 "training a small backbone on $pictures other pictures (mAP after each epoch)"
mlgcn scenes "$OUT/data/scenes" --train "$pictures" --val $((pictures / 8))
mlgcn train linear_scenes --work-dir "$OUT/backbone" --seed 0 --force \
  --cfg-options train_cfg.max_epochs="$epochs" train_cfg.val_interval=1
backbone="model.backbone.init_cfg.checkpoint=$(cat "$OUT/backbone/last_checkpoint")"
step 4/6 "which head is best on it? Three of them, on folds"
mlgcn compare "${lists[@]}" --heads demo_linear demo_csra demo_addgcn --sizes 96 --seeds 1 --folds 3 \
  --out "$OUT/compared" --cfg-options "$backbone"
ready "$OUT/compared/comparison.html, the heads; report.html beside it, the best one label by label"
step 5/6 "the best one names pictures that it never saw, by the thresholds chosen"
mlgcn predict "$OUT/compared/model.pth" "$photos"/val/*00[0-2]?.jpg --out "$OUT/predictions.csv" \
  --show-dir "$OUT/drawn" --force
ready "$OUT/drawn, pictures with their labels; $OUT/predictions.csv"
step 6/6 "where it looked, for three of them"
mlgcn visualize "$OUT/compared/model.pth" "$photos"/val/*00[1-3].jpg --out "$OUT/seen" --force --top-k 3
step done "open in a browser: $OUT/compared/comparison.html, $OUT/compared/report.html, $OUT/seen/index.html.
Next: README.md, 'Your own photographs'."
