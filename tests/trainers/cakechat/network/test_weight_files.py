"""Files of arrays: the safetensors library reads and writes the same, and damaged files are reported."""

from __future__ import annotations

import json
import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy

from autocakechat import UserError
from autocakechat.plugins.trainers.cakechat.network.weight_files import (
    read_arrays,
    read_weights,
    release_memory,
    write_arrays,
    write_weights,
)

ARRAYS: dict[str, np.ndarray[Any, Any]] = {
    "kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "step": np.array(7, np.int64),
    "ids": np.array([1, 2, 3], np.int32),
    "transposed": np.arange(6, dtype=np.float32).reshape(2, 3).T,
}


def assert_equal(actual: dict[str, Any], expected: dict[str, Any]) -> None:
    assert actual.keys() == expected.keys()
    for name, array in expected.items():
        assert actual[name].dtype == array.dtype
        np.testing.assert_array_equal(actual[name], array)


def test_the_safetensors_library_reads_our_files(tmp_path: Path) -> None:
    write_arrays(tmp_path / "file", ARRAYS, {"fingerprint": "ä"})
    assert_equal(safetensors.numpy.load_file(tmp_path / "file"), ARRAYS)
    with safetensors.safe_open(tmp_path / "file", framework="numpy") as opened:
        assert opened.metadata() == {"fingerprint": "ä"}


def test_files_of_the_safetensors_library_are_read(tmp_path: Path) -> None:
    contiguous = {name: np.ascontiguousarray(array) for name, array in ARRAYS.items() if array.ndim}
    safetensors.numpy.save_file(contiguous, tmp_path / "file", {"a": "b"})
    arrays, metadata = read_arrays(tmp_path / "file")
    assert_equal(arrays, contiguous)
    assert metadata == {"a": "b"}


def test_arrays_are_mapped_and_cannot_be_written_to(tmp_path: Path) -> None:
    write_arrays(tmp_path / "file", ARRAYS)
    arrays, metadata = read_arrays(tmp_path / "file")
    assert_equal(arrays, ARRAYS)
    assert metadata == {}
    for array in arrays.values():
        assert not array.flags.owndata
        assert not array.flags.writeable


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_the_memory_of_mapped_arrays_is_given_back(tmp_path: Path) -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE

    file = tmp_path / "weights.safetensors"
    write_weights(file, {"kernel": np.ones((2048, 4096), np.float32)})
    weights = read_weights(file)
    before = resident()
    total = weights["kernel"].sum()
    assert resident() > before + 30_000_000
    release_memory(weights)
    assert resident() < before + 5_000_000
    assert weights["kernel"].sum() == total


def test_kernels_are_stored_by_columns(tmp_path: Path) -> None:
    weights = {
        "decoder.0.kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
        "decoder.0.bias": np.ones((2, 3), np.float32),
        "context_encoder.recurrent_kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
        "context_embedding": np.arange(6, dtype=np.float32).reshape(2, 3),
    }
    write_weights(tmp_path / "file", weights)
    read = read_weights(tmp_path / "file")
    assert_equal(read, weights)
    assert read["decoder.0.kernel"].T.flags.c_contiguous
    assert read["context_encoder.recurrent_kernel"].T.flags.c_contiguous
    assert read["context_embedding"].flags.c_contiguous


def test_weights_of_the_first_version_are_read(tmp_path: Path) -> None:
    weights = {"decoder.0.kernel": np.arange(6, dtype=np.float32).reshape(2, 3)}
    write_arrays(tmp_path / "file", weights)
    assert_equal(read_weights(tmp_path / "file"), weights)


def with_header(file: Path, header: Any, content: bytes = b"\0" * 24) -> None:
    encoded = json.dumps(header).encode()
    file.write_bytes(len(encoded).to_bytes(8, "little") + encoded + content)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 20]},
        {"dtype": "F32", "shape": [2, 3], "data_offsets": [24, 48]},
        {"dtype": "F32", "shape": [2, 3], "data_offsets": [-24, 0]},
        {"dtype": "F32", "shape": [-2, -3], "data_offsets": [0, 24]},
        {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 24]},
        {"dtype": "F32", "shape": [2**62], "data_offsets": [0, 2**64]},
        {"dtype": "F32", "shape": [6], "data_offsets": [2**70, 2**70 + 24]},
        {"dtype": "F99", "shape": [6], "data_offsets": [0, 24]},
        {"dtype": "F32", "shape": [6]},
        [],
    ],
)
def test_invalid_entries_are_reported(tmp_path: Path, entry: Any) -> None:
    file = tmp_path / "weights"
    with_header(file, {"kernel": entry})
    with pytest.raises(UserError, match="weights: cannot be read"):
        read_arrays(file)


@pytest.mark.parametrize(
    "content", [b"", b"\x01", b"\xff" * 8, b"\xff" * 20, b"\x02" + b"\0" * 7 + b"[]", b"nothing here"]
)
def test_damaged_files_are_reported(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights").write_bytes(content)
    with pytest.raises(UserError, match="weights: cannot be read"):
        read_arrays(tmp_path / "weights")


def test_truncated_files_are_reported(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    write_arrays(file, ARRAYS)
    content = file.read_bytes()
    for length in range(len(content)):
        file.write_bytes(content[:length])
        with pytest.raises(UserError, match="cannot be read"):
            read_arrays(file)


FLOATS = {"dtype": "F32", "shape": [3]}


@pytest.mark.parametrize(
    "offsets",
    [([0, 12], [0, 12]), ([0, 12], [8, 20]), ([4, 16], [16, 28]), ([0, 12], [12, 16]), ([0, 12], [16, 28])],
    ids=["the same bytes", "overlap", "a gap at the start", "another size", "a gap between"],
)
def test_arrays_fill_the_file_one_after_the_other(tmp_path: Path, offsets: tuple[list[int], list[int]]) -> None:
    first, second = ({**FLOATS, "data_offsets": place} for place in offsets)
    with_header(tmp_path / "weights", {"first": first, "second": second}, b"\0" * max(offsets[1][1], 24))
    with pytest.raises(UserError, match="weights: cannot be read"):
        read_arrays(tmp_path / "weights")


def test_bytes_that_belong_to_no_array_are_reported(tmp_path: Path) -> None:
    write_arrays(tmp_path / "weights", ARRAYS)
    with (tmp_path / "weights").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(UserError, match="weights: cannot be read"):
        read_arrays(tmp_path / "weights")


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "weights")
    with pytest.raises(UserError, match="weights: not a regular file"):
        read_arrays(tmp_path / "weights")
