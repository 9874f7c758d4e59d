"""The published model is downloaded once, over HTTPS; errors are one line with the URLs to download manually."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import attrs
import pooch
import pytest

from autocakechat import RunContext, UserError
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.pretrained import download
from autocakechat.plugins.trainers.cakechat.pretrained.download import download_published_model
from tests.trainers.cakechat.pretrained.bucket import Bucket, make_authority, serve_bucket

MODEL, REVERSE = "/data/nn_models/forward.tar.gz", "/data/nn_models/backward.tar.gz"
FILES = {
    MODEL: b"the model" * 1000,
    REVERSE: b"the reverse model",
    "/data/tokens_index/t_idx_processed_dialogs.json": b"tokens",
    "/data/conditions_index/c_idx_processed_dialogs.json": b"conditions",
}
MOVED = b"moved"
CHECKSUMS = tuple(hashlib.sha256(content).hexdigest() for content in [*FILES.values(), MOVED])


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    authority, certificate_file = make_authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate_file))
    with serve_bucket(authority.issue_cert("localhost")) as bucket:
        bucket.files = dict(FILES)
        yield bucket


def options(bucket: Bucket, **changes: object) -> Options:
    plain = Options(
        start="pretrained",
        start_address=bucket.address,
        start_name="forward",
        start_reverse_name="backward",
        sha256=CHECKSUMS,
    )
    return attrs.evolve(plain, **changes)  # type: ignore[arg-type]


def cached_files(home: Path) -> list[str]:
    return [file.name for file in (home / "home").rglob("*") if file.is_file()]


def test_all_files_are_downloaded_once(bucket: Bucket, run: RunContext, tmp_path: Path) -> None:
    files = download_published_model(options(bucket, reverse=True), run)
    assert [file.read_bytes() for file in files.files] == [
        FILES[MODEL],
        FILES["/data/tokens_index/t_idx_processed_dialogs.json"],
        FILES["/data/conditions_index/c_idx_processed_dialogs.json"],
        FILES[REVERSE],
    ]
    assert all(file.is_relative_to(tmp_path / "home") for file in files.files)
    assert len(bucket.requests) == 4
    assert download_published_model(options(bucket, reverse=True), run) == files
    assert len(bucket.requests) == 4


def test_the_reverse_model_is_downloaded_only_on_request(bucket: Bucket, run: RunContext) -> None:
    assert download_published_model(options(bucket), run).reverse is None
    assert REVERSE not in bucket.requests


def test_a_file_with_an_unexpected_checksum_is_not_kept(bucket: Bucket, run: RunContext, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=f"SHA-256 {hashlib.sha256(FILES[MODEL]).hexdigest()} is not listed in trainer.sha256"
    ):
        download_published_model(options(bucket, sha256=("0" * 64,)), run)
    assert cached_files(tmp_path) == []
    assert download_published_model(options(bucket), run).weights.read_bytes() == FILES[MODEL]


def test_files_are_used_only_with_confirmed_checksums(bucket: Bucket, run: RunContext, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not used until you confirm") as raised:
        download_published_model(options(bucket, sha256=()), run)
    seen = re.findall("[0-9a-f]{64}", raised.value.message)
    assert seen == [hashlib.sha256(FILES[path]).hexdigest() for path in bucket.requests]
    assert raised.value.hint.endswith("sha256 = [{}]".format(", ".join(f'"{checksum}"' for checksum in seen)))
    assert download_published_model(options(bucket, sha256=tuple(seen)), run).weights.read_bytes() == FILES[MODEL]
    assert len(bucket.requests) == 3


def assert_lists_manual_downloads(error: UserError, bucket: Bucket) -> None:
    assert "\n" not in str(error)
    assert f"{bucket.address}/nn_models/forward.tar.gz" in error.hint
    assert f"{bucket.address}/tokens_index/t_idx_processed_dialogs.json" in error.hint
    assert f"{bucket.address}/conditions_index/c_idx_processed_dialogs.json" in error.hint
    assert "manually into one folder and set trainer.start_path to this folder" in error.hint


def test_an_interrupted_download_leaves_no_file(bucket: Bucket, run: RunContext, tmp_path: Path) -> None:
    bucket.truncated = {MODEL}
    with pytest.raises(UserError, match=r"forward\.tar\.gz: the connection broke during the download") as caught:
        download_published_model(options(bucket), run)
    assert_lists_manual_downloads(caught.value, bucket)
    assert cached_files(tmp_path) == []
    bucket.truncated = set()
    assert download_published_model(options(bucket), run).weights.read_bytes() == FILES[MODEL]


def test_a_missing_file_is_reported(bucket: Bucket, run: RunContext) -> None:
    with pytest.raises(UserError, match="the server responds with 404 Not Found") as caught:
        download_published_model(options(bucket, start_name="other"), run)
    assert "nn_models/other.tar.gz" in caught.value.hint


def test_without_network_the_hint_lists_manual_downloads(bucket: Bucket, run: RunContext) -> None:
    bucket.address = "https://localhost:1/data"
    with pytest.raises(UserError, match="the server cannot be reached") as caught:
        download_published_model(options(bucket), run)
    assert_lists_manual_downloads(caught.value, bucket)


def test_an_untrusted_certificate_is_rejected(
    bucket: Bucket, run: RunContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(UserError, match="the server's certificate cannot be verified"):
        download_published_model(options(bucket), run)
    assert cached_files(tmp_path) == []


def test_a_file_that_is_too_large_is_rejected(
    bucket: Bucket, run: RunContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_BYTES", 1000)
    with pytest.raises(UserError, match="larger than 1,000 bytes"):
        download_published_model(options(bucket), run)
    assert cached_files(tmp_path) == []


def test_a_redirect_to_http_is_rejected(bucket: Bucket, run: RunContext, tmp_path: Path) -> None:
    bucket.redirects = {MODEL: f"{bucket.address}/moved", "/data/moved": "http://localhost:1/model"}
    with pytest.raises(UserError, match="http://localhost:1/model: not HTTPS"):
        download_published_model(options(bucket), run)
    assert cached_files(tmp_path) == []


def test_a_redirect_to_https_is_followed(bucket: Bucket, run: RunContext) -> None:
    bucket.redirects = {MODEL: f"{bucket.address}/moved"}
    bucket.files["/data/moved"] = MOVED
    assert download_published_model(options(bucket), run).weights.read_bytes() == MOVED


@pytest.mark.parametrize("address", ["http://example.org", "ftp://example.org", "example.org", "https://", "file:///x"])
def test_the_address_must_be_https(address: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        Options(start_address=address)


def test_pooch_logs_nothing(bucket: Bucket, run: RunContext) -> None:
    download_published_model(options(bucket), run)
    assert not pooch.get_logger().isEnabledFor(logging.INFO)
