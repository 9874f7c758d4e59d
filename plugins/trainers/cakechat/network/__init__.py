"""The HRED network in NumPy, as it answers, and its files. `training_network` has the same network in TensorFlow."""
