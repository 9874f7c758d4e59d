"""Types of the NumPy arrays that pass between data, network and inference."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
"""Ids, line numbers and lengths."""

Indices = npt.NDArray[np.intp]
"""Positions in other arrays."""

Floats = npt.NDArray[np.float32]
"""Weights, hidden states, probabilities and scores."""
