"""The HRED network in TensorFlow, as it is trained: layers, loss and gradients."""
