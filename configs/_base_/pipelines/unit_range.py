# Pixels in [0, 1], neither mean nor standard deviation: CSRA, ASL, ML-Decoder.
data_preprocessor = dict(mean=[0, 0, 0], std=[255, 255, 255], to_rgb=True)
