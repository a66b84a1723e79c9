"""LAI, FAPAR and FCOVER of Sentinel-2 scenes: the L3B product.

Public names: `networks.load` (the networks), `kernel.fold` and `kernel.biophysical` (arrays in, arrays out), `run.lai`.
"""
