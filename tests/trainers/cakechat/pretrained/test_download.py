"""The published model is fetched over HTTPS, once; whatever goes wrong ends in one line that says what to do."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path

import attrs
import pooch
import pytest

from autocakechat import RunContext, UserError
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.pretrained import download
from autocakechat.plugins.trainers.cakechat.pretrained.download import download_published_model
from tests.trainers.cakechat.pretrained.bucket import Bucket, authority_in, serving

MODEL, REVERSE = "/data/nn_models/forward.tar.gz", "/data/nn_models/backward.tar.gz"
FILES = {
    MODEL: b"the model" * 1000,
    REVERSE: b"the reverse model",
    "/data/tokens_index/t_idx_processed_dialogs.json": b"tokens",
    "/data/conditions_index/c_idx_processed_dialogs.json": b"conditions",
}


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    authority, trusted = authority_in(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
    with serving(authority.issue_cert("localhost")) as bucket:
        bucket.files = dict(FILES)
        yield bucket


def options(bucket: Bucket, **changes: object) -> Options:
    plain = Options(
        start="pretrained", start_address=bucket.address, start_name="forward", start_reverse_name="backward"
    )
    return attrs.evolve(plain, **changes)  # type: ignore[arg-type]


def kept(home: Path) -> list[str]:
    return [file.name for file in (home / "home").rglob("*") if file.is_file()]


def test_everything_a_start_needs_is_fetched_once(bucket: Bucket, run: RunContext, tmp_path: Path) -> None:
    found = download_published_model(options(bucket, reverse=True), run)
    assert [file.read_bytes() for file in found.files] == [
        FILES[MODEL],
        FILES["/data/tokens_index/t_idx_processed_dialogs.json"],
        FILES["/data/conditions_index/c_idx_processed_dialogs.json"],
        FILES[REVERSE],
    ]
    assert all(file.is_relative_to(tmp_path / "home") for file in found.files)
    assert len(bucket.asked) == 4
    assert download_published_model(options(bucket, reverse=True), run) == found
    assert len(bucket.asked) == 4


def test_a_reverse_model_is_fetched_only_if_it_is_wanted(bucket: Bucket, run: RunContext) -> None:
    assert download_published_model(options(bucket), run).reverse is None
    assert REVERSE not in bucket.asked


def test_another_file_than_the_expected_one_is_not_kept(bucket: Bucket, run: RunContext, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"SHA-256 {hashlib.sha256(FILES[MODEL]).hexdigest()}, which trainer.sha256"):
        download_published_model(options(bucket, sha256=("0" * 64,)), run)
    assert kept(tmp_path) == []
    expected = tuple(hashlib.sha256(content).hexdigest() for content in FILES.values())
    assert download_published_model(options(bucket, sha256=expected), run).weights.read_bytes() == FILES[MODEL]


def assert_tells_what_to_do(error: UserError, bucket: Bucket) -> None:
    told = str(error)
    assert "\n" not in told
    assert f"{bucket.address}/nn_models/forward.tar.gz" in error.hint
    assert f"{bucket.address}/tokens_index/t_idx_processed_dialogs.json" in error.hint
    assert f"{bucket.address}/conditions_index/c_idx_processed_dialogs.json" in error.hint
    assert "put them into one folder and set trainer.start_path to it" in error.hint


def test_a_fetch_that_breaks_off_leaves_nothing(bucket: Bucket, run: RunContext, tmp_path: Path) -> None:
    bucket.cut = {MODEL}
    with pytest.raises(UserError, match=r"forward\.tar\.gz: broke off") as caught:
        download_published_model(options(bucket), run)
    assert_tells_what_to_do(caught.value, bucket)
    assert kept(tmp_path) == []
    bucket.cut = set()
    assert download_published_model(options(bucket), run).weights.read_bytes() == FILES[MODEL]


def test_a_file_that_is_not_there_is_told(bucket: Bucket, run: RunContext) -> None:
    with pytest.raises(UserError, match="answers 404 Not Found") as caught:
        download_published_model(options(bucket, start_name="other"), run)
    assert "nn_models/other.tar.gz" in caught.value.hint


def test_without_network_one_line_says_what_to_download_and_where_to_put_it(bucket: Bucket, run: RunContext) -> None:
    bucket.address = "https://localhost:1/data"
    with pytest.raises(UserError, match="cannot be reached") as caught:
        download_published_model(options(bucket), run)
    assert_tells_what_to_do(caught.value, bucket)


def test_a_certificate_that_nobody_knows_is_refused(
    bucket: Bucket, run: RunContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(UserError, match="certificate cannot be verified"):
        download_published_model(options(bucket), run)
    assert kept(tmp_path) == []


def test_too_large_a_file_is_refused(
    bucket: Bucket, run: RunContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MOST_BYTES", 1000)
    with pytest.raises(UserError, match="larger than 1,000 bytes"):
        download_published_model(options(bucket), run)
    assert kept(tmp_path) == []


def test_a_way_that_leaves_https_is_not_gone(bucket: Bucket, run: RunContext, tmp_path: Path) -> None:
    bucket.redirects = {MODEL: f"{bucket.address}/moved", "/data/moved": "http://localhost:1/model"}
    with pytest.raises(UserError, match="http://localhost:1/model: not HTTPS"):
        download_published_model(options(bucket), run)
    assert kept(tmp_path) == []


def test_a_way_that_stays_on_https_is_gone(bucket: Bucket, run: RunContext) -> None:
    bucket.redirects = {MODEL: f"{bucket.address}/moved"}
    bucket.files["/data/moved"] = b"moved"
    assert download_published_model(options(bucket), run).weights.read_bytes() == b"moved"


@pytest.mark.parametrize("address", ["http://example.org", "ftp://example.org", "example.org", "https://", "file:///x"])
def test_the_address_must_be_https(address: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        Options(start_address=address)


def test_pooch_says_nothing_of_its_own(bucket: Bucket, run: RunContext) -> None:
    download_published_model(options(bucket), run)
    assert not pooch.get_logger().isEnabledFor(logging.INFO)
