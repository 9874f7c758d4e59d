"""TensorFlow and Keras, imported here and nowhere else, so that they keep their notices to themselves."""

from __future__ import annotations

import logging
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Read when the libraries are imported. What a user has set stands.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # notices of CPU features, missing GPUs
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
for _name in ("tensorflow", "absl", "h5py._conv"):
    logging.getLogger(_name).setLevel(logging.ERROR)  # retracing and deprecations, nothing a user could mend

_NOTICE = re.compile(rb"WARNING: All log messages before absl::InitializeLog|[IWE]\d{4} \d\d:\d\d:\d\d")


@contextmanager
def _without_notices() -> Iterator[None]:
    """Keeps notices of C++ off standard error, which no setting does for some; other lines come out afterwards."""
    try:
        standard_error = os.dup(2)
    except OSError:  # there is none
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)
            held.seek(0)
            for line in held:
                if not _NOTICE.match(line):
                    os.write(2, line)


with _without_notices(), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import keras as _keras
    import tensorflow as _tf

# TensorFlow's rewriting of graphs costs seconds at the first call of each, and made none of ours faster.
_tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})

tf: Any = _tf
keras: Any = _keras
