"""Detects pickles in the files of a model. Loading a pickle can run any code."""

from __future__ import annotations

import io
import pickletools
import zipfile


def contains_pickle(content: bytes) -> bool:
    """Returns whether bytes are a pickle, or a zip archive or NumPy array that contains one."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(contains_pickle(archive.read(name)) for name in archive.namelist())
    if content.startswith(b"\x93NUMPY"):
        return b"'|O'" in content[:1000]  # an array of objects
    try:
        opcodes = list(pickletools.genops(content))
    except Exception:  # pickletools raises many types of error for content that is not a pickle
        return False
    # Short texts such as "N." parse as a pickle of a constant. A pickle that runs code has more opcodes.
    return len(opcodes) > 2 or content.startswith(b"\x80")
