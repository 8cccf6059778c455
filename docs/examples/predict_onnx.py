"""Labels of photographs from an exported model, without torch or mlgcn.

python predict_onnx.py MODEL.onnx PHOTO [PHOTO ...]      (pip install onnxruntime pillow)
"""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])
texts = session.get_modelmeta().custom_metadata_map
about = {key: json.loads(text) for key, text in texts.items()}
resize = about['resize']
size = (resize['width'], resize['height'])
interpolation = Image.Resampling[resize['interpolation'].upper()]
for path in sys.argv[2:]:
    photo = ImageOps.exif_transpose(Image.open(path)).convert('RGB').resize(size, interpolation)
    _, probabilities = session.run(None, {'images': np.asarray(photo)[None]})
    print(path)
    for k in np.argsort(-probabilities[0]):
        if probabilities[0, k] >= about['thresholds'][k]:
            print(f'  {about["classes"][k]} {probabilities[0, k]:.3f}')
