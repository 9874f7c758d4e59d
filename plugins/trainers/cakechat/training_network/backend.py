"""Imports TensorFlow and Keras without their start-up messages. Other modules import `tf` and `keras` from here."""

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
    logging.getLogger(_name).setLevel(logging.ERROR)  # hides warnings about retracing and deprecations

_STARTUP_MESSAGE = re.compile(rb"WARNING: All log messages before absl::InitializeLog|[IWE]\d{4} \d\d:\d\d:\d\d")


@contextmanager
def _without_startup_messages() -> Iterator[None]:
    """Captures standard error, and afterwards writes the lines that are not start-up messages.

    The C++ libraries write to the file descriptor. Some of their messages cannot be turned off by a setting.
    """
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
                if not _STARTUP_MESSAGE.match(line):
                    os.write(2, line)


with _without_startup_messages(), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import keras as _keras
    import tensorflow as _tf

# TensorFlow's graph optimizer (Grappler) takes seconds at the first call of each function, and did not make any of
# the functions here faster.
_tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})

tf: Any = _tf  # without types, since TensorFlow has none
keras: Any = _keras
