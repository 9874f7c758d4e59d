"""TensorFlow and Keras. Only this module imports them, and it suppresses their start-up notices."""

from __future__ import annotations

import logging
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# The libraries read these variables when they are imported. The user's values have priority.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # notices about CPU features and missing GPUs
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
for _name in ("tensorflow", "absl", "h5py._conv"):
    logging.getLogger(_name).setLevel(logging.ERROR)  # retracing and deprecations, which a user cannot fix

_NOTICE = re.compile(rb"WARNING: All log messages before absl::InitializeLog|[IWE]\d{4} \d\d:\d\d:\d\d")


@contextmanager
def _without_notices() -> Iterator[None]:
    """Removes C++ notices from standard error, because some have no setting; other lines are written afterwards."""
    try:
        standard_error = os.dup(2)
    except OSError:  # standard error is closed
        yield
        return
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)
            captured.seek(0)
            for line in captured:
                if not _NOTICE.match(line):
                    os.write(2, line)


with _without_notices(), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import keras as _keras
    import tensorflow as _tf

# TensorFlow's graph optimizer takes seconds at the first call of each graph, and makes none of these graphs faster.
_tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})

tf: Any = _tf
keras: Any = _keras
