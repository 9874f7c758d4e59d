"""Downloads the published CakeChat model over HTTPS and keeps it in the user's cache folder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

import pooch
import requests

from autocakechat import RunContext, UserError, hash_file
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.pretrained.archive import MAX_BYTES
from autocakechat.plugins.trainers.cakechat.pretrained.files import (
    CONDITIONS_FILE,
    CONDITIONS_FOLDER,
    MODELS_FOLDER,
    TOKENS_FILE,
    TOKENS_FOLDER,
    OriginalFiles,
)

_TIMEOUT_SECONDS = 30.0
_CHUNK_BYTES = 2**18
_HINT = (
    'set start = "conversations" in [trainer] to train a start model on this machine (English), or download {} '
    "manually into one folder and set trainer.start_path to this folder"
)


class UnavailableModelError(UserError):
    """The published model cannot be downloaded."""


def download_published_model(options: Options, run: RunContext) -> OriginalFiles:
    """Downloads the published model, its indexes and, if requested, the reverse model; cached files are reused.

    Args:
        options: The options of `[trainer]`.
        run: Log and progress.

    Returns:
        The files in the cache folder.

    Raises:
        UnavailableModelError: A download fails. The hint names other start models, and lists the URLs.
        UserError: A file cannot be saved, has an unexpected checksum, or no checksums are confirmed yet. The files are
            kept then, and the error shows their checksums.
    """
    paths = [
        f"{MODELS_FOLDER}/{options.start_name}.tar.gz",
        f"{TOKENS_FOLDER}/{TOKENS_FILE}",
        f"{CONDITIONS_FOLDER}/{CONDITIONS_FILE}",
    ]
    if options.reverse:
        paths.append(f"{MODELS_FOLDER}/{options.start_reverse_name}.tar.gz")
    urls = [f"{options.start_address.rstrip('/')}/{path}" for path in paths]
    hint = _HINT.format(", ".join(urls))
    files = [download(url, options.sha256, hint, run) for url in urls]
    if not options.sha256:
        raise _unconfirmed(options.start_address, files)
    weights, tokens, conditions, *reverse = files
    return OriginalFiles(weights, tokens, conditions, reverse[0] if reverse else None)


def download(url: str, sha256: Sequence[str], hint: str, run: RunContext) -> Path:
    """Downloads a file unless the cache folder contains it.

    Args:
        url: An HTTPS URL.
        sha256: Accepted SHA-256 checksums; empty if none is known.
        hint: The hint of the error if the download fails.
        run: Log and progress.

    Returns:
        The file in the cache folder.

    Raises:
        UnavailableModelError: The download fails.
        UserError: The file cannot be saved, or has an unexpected checksum.
    """
    pooch.get_logger().setLevel("WARNING")  # its messages about checksums are for programmers
    # The folder is named after the URL, since files of different URLs may have the same name.
    folder = pooch.os_cache("autocakechat") / hashlib.sha256(url.encode()).hexdigest()[:12]
    try:
        path = pooch.retrieve(
            url, known_hash=None, fname=_file_name(url), path=folder, downloader=_Downloader(sha256, run)
        )
    except requests.RequestException as error:
        raise UnavailableModelError(f"{url}: {_reason(error)}", hint) from None
    except OSError as error:
        raise UserError(
            f"{url}: cannot be saved as {error.filename}: {error.strerror}", "make room or fix the permissions there"
        ) from None
    return Path(path)


def _unconfirmed(address: str, files: Sequence[Path]) -> UserError:
    """Makes the error that shows the checksums of downloaded files, so that the user can confirm them."""
    checksums = {file.name: hash_file(file) for file in files}
    seen = ", ".join(f"{name} {checksum}" for name, checksum in checksums.items())
    confirmed = ", ".join(f'"{checksum}"' for checksum in checksums.values())
    return UserError(
        f"{address}: the files are downloaded, but not used until you confirm their SHA-256: {seen}",
        "compare them with those of a source that you trust; to accept the files, set in [trainer]: "
        f"sha256 = [{confirmed}]",
    )


class _Downloader:
    """Downloads a file for pooch, which calls this object.

    Args:
        sha256: Accepted SHA-256 checksums; empty if none is known.
        run: Progress.
    """

    def __init__(self, sha256: Sequence[str], run: RunContext) -> None:
        self._sha256 = sha256
        self._run = run

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Downloads a file.

        Raises:
            UserError: The file is too large or has an unexpected checksum, or the URL or a redirect is not HTTPS.
        """
        _require_https(url)
        hooks = {"response": lambda response, **_: _check_redirect(response)}
        with (
            requests.get(url, stream=True, timeout=_TIMEOUT_SECONDS, hooks=hooks) as response,
            Path(output_file).open("wb") as file,
        ):
            response.raise_for_status()
            checksum = self._save(response, url, file)
        if self._sha256 and checksum not in self._sha256:
            raise UserError(
                f"{url}: the SHA-256 {checksum} is not listed in trainer.sha256",
                "do not use this file unless you know why it has changed",
            )

    def _save(self, response: requests.Response, url: str, file: IO[bytes]) -> str:
        """Writes the content of a response to a file, and returns its SHA-256.

        Raises:
            UserError: The content is too large.
        """
        digest = hashlib.sha256()
        total = int(response.headers.get("content-length", 0)) or None
        with self._run.progress(f"downloading {_file_name(url)}", total=total, unit="B") as bar:
            for chunk in response.iter_content(_CHUNK_BYTES):
                if file.tell() + len(chunk) > MAX_BYTES:
                    raise UserError(f"{url}: larger than {MAX_BYTES:,} bytes", "this is not a CakeChat model")
                file.write(chunk)
                digest.update(chunk)
                bar.advance(len(chunk))
        return digest.hexdigest()


def _file_name(url: str) -> str:
    return url.rpartition("/")[2]


def _check_redirect(response: requests.Response) -> None:
    """Rejects a redirect that is not HTTPS. Called for each response, before its redirect is followed."""
    if "location" in response.headers:
        _require_https(urljoin(response.url, response.headers["location"]))


def _require_https(url: str) -> None:
    if urlsplit(url).scheme != "https":
        raise UserError(
            f"{url}: not HTTPS, so the file could be modified on the way", "use an address that begins with https://"
        )


def _reason(error: requests.RequestException) -> str:
    """Returns a short description of a failed request."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server responds with {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate cannot be verified"
    if isinstance(error, requests.Timeout):
        return "the server does not respond"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke during the download"
    return "the server cannot be reached"
