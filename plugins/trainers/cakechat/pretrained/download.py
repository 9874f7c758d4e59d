"""Fetches files of the published CakeChat: over HTTPS only, once, and kept in the user's cache folder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pooch
import requests

from autocakechat import RunContext, UserError
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.pretrained.archive import MOST_BYTES
from autocakechat.plugins.trainers.cakechat.pretrained.files import (
    CONDITIONS,
    CONDITIONS_FILE,
    MODELS,
    TOKENS,
    TOKENS_FILE,
    OriginalFiles,
)

_SECONDS = 30.0
_CHUNK = 2**18


def download_published_model(options: Options, run: RunContext) -> OriginalFiles:
    """Fetches what a training needs of CakeChat's bucket, and keeps it for the next time.

    Args:
        options: The options of `[trainer]`.
        run: Log and progress.

    Returns:
        The files, in the cache folder.

    Raises:
        UserError: A file cannot be fetched or is another one than expected; says what to download by other means.
    """
    names = [
        f"{MODELS}/{options.start_name}.tar.gz",
        f"{TOKENS}/{TOKENS_FILE}",
        f"{CONDITIONS}/{CONDITIONS_FILE}",
        *([f"{MODELS}/{options.start_reverse_name}.tar.gz"] if options.reverse else []),
    ]
    addresses = [f"{options.start_address.rstrip('/')}/{name}" for name in names]
    by_hand = (
        f"download {', '.join(addresses)} by other means, put them into one folder and set trainer.start_path to it"
    )
    fetched = [fetch(address, options.sha256, by_hand, run) for address in addresses]
    weights, tokens, conditions, *reverse = fetched
    return OriginalFiles(weights, tokens, conditions, reverse[0] if reverse else None)


def fetch(address: str, expected: Sequence[str], by_hand: str, run: RunContext) -> Path:
    """Fetches a file unless the cache folder has it.

    Args:
        address: Where it lies; HTTPS.
        expected: SHA-256 of files that may be used; empty for any.
        by_hand: What to do if it cannot be fetched.
        run: Log and progress.

    Raises:
        UserError: It cannot be fetched, or is not among those expected.
    """
    pooch.get_logger().setLevel("WARNING")  # it tells of hashes as it would a programmer
    name, place = address.rpartition("/")[2], hashlib.sha256(address.encode()).hexdigest()[:12]
    try:
        file = pooch.retrieve(
            address,
            known_hash=None,
            fname=name,
            path=pooch.os_cache("autocakechat") / place,
            downloader=_Download(expected, run),
        )
    except requests.RequestException as error:
        raise UserError(f"{address}: {_reason(error)}", by_hand) from None
    except OSError as error:
        raise UserError(f"{address}: cannot be kept: {error.strerror}: {error.filename}", "make room there") from None
    return Path(file)


class _Download:
    """Loads a file down: what pooch calls."""

    def __init__(self, expected: Sequence[str], run: RunContext) -> None:
        self._expected = expected
        self._run = run

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Loads a file down.

        Raises:
            UserError: It is too large or not the expected one, or the way to it leaves HTTPS.
        """
        _must_be_https(url)
        digest = hashlib.sha256()
        hooks = {"response": lambda response, **_: _stays_https(response)}
        name = url.rpartition("/")[2]
        with (
            requests.get(url, stream=True, timeout=_SECONDS, hooks=hooks) as response,
            Path(output_file).open("wb") as out,
        ):
            response.raise_for_status()
            total = int(response.headers.get("content-length", 0)) or None
            with self._run.progress(f"fetching {name}", total=total, unit="B") as bar:
                for chunk in response.iter_content(_CHUNK):
                    if out.tell() + len(chunk) > MOST_BYTES:
                        raise UserError(f"{url}: larger than {MOST_BYTES:,} bytes", "this is no model of CakeChat")
                    out.write(chunk)
                    digest.update(chunk)
                    bar.advance(len(chunk))
        if self._expected and digest.hexdigest() not in self._expected:
            raise UserError(
                f"{url}: has the SHA-256 {digest.hexdigest()}, which trainer.sha256 does not name",
                "do not use it unless you know why it has changed",
            )


def _stays_https(response: requests.Response) -> None:
    """Called with each response, before a redirection in it is followed."""
    if "location" in response.headers:
        _must_be_https(urljoin(response.url, response.headers["location"]))


def _must_be_https(address: str) -> None:
    if urlsplit(address).scheme != "https":
        raise UserError(f"{address}: not HTTPS, so that anybody on the way could change it", "give an https:// address")


def _reason(error: requests.RequestException) -> str:
    """Says in a few words why a file could not be fetched."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate cannot be verified"
    if isinstance(error, requests.Timeout):
        return "does not answer"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "broke off"
    return "cannot be reached"
