"""Removes development files from a virtual environment: half of TensorFlow's size.

python docker/slim.py /opt/acc

It deletes headers, static libraries and the compiler's Python library, and truncates shared libraries after the last
segment that is loaded into memory: symbols and section tables, which only debuggers read (see elf(5)).
"""

from __future__ import annotations

import shutil
import struct
import sys
from pathlib import Path

DEVELOPMENT = ("tensorflow/include", "tensorflow/xla_aot_runtime_src", "clang", "libclang-*.dist-info")
LOADED = 1  # p_type of a segment that is mapped into memory
HEADER = struct.Struct("<16x 2H I 3Q I 6H")
SEGMENT = struct.Struct("<2I 6Q")


def loaded_bytes(library: Path) -> int | None:
    """Returns how many bytes of a 64-bit little-endian ELF file are needed to run it; None for other files."""
    with library.open("rb") as file:
        start = file.read(HEADER.size)
        if len(start) < HEADER.size or not start.startswith(b"\x7fELF\x02\x01"):
            return None
        *_, segments_at, _, _, size, entry, number, _, _, _ = HEADER.unpack(start)
        file.seek(segments_at)
        segments = [SEGMENT.unpack(file.read(entry)[: SEGMENT.size]) for _ in range(number)]
    ends = [offset + length for kind, _, offset, _, _, length, _, _ in segments if kind == LOADED]
    return max([size, segments_at + entry * number, *ends])


def cut(library: Path) -> int:
    """Truncates a library after its last loaded segment; returns the number of bytes removed."""
    used = loaded_bytes(library)
    size = library.stat().st_size
    if used is None or used >= size:
        return 0
    with library.open("r+b") as file:
        file.seek(0x28)  # e_shoff: no section headers
        file.write(bytes(8))
        file.seek(0x3C)  # e_shnum and e_shstrndx
        file.write(bytes(4))
        file.truncate(used)
    return size - used


def size_of(folder: Path) -> int:
    """Returns the bytes of all files below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def main() -> None:
    """Slims one environment and prints its size before and after."""
    (environment,) = map(Path, sys.argv[1:])
    before = size_of(environment)
    for libraries in environment.glob("lib/python*/site-packages"):
        for pattern in DEVELOPMENT:
            for folder in libraries.glob(pattern):
                shutil.rmtree(folder)
        for archive in libraries.rglob("*.a"):
            archive.unlink()
        for library in libraries.rglob("*.so*"):
            if library.is_file() and "nvidia" not in library.parts:  # the driver's libraries stay unchanged
                cut(library)
    print(f"{before / 1e6:.0f} MB -> {size_of(environment) / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
