"""Words and phrases that replies must not contain."""

from __future__ import annotations

from collections.abc import Sequence

from autocakechat import UserError
from autocakechat.plugins.trainers.cakechat.options import ReplyOptions


def banned_phrases(options: ReplyOptions) -> list[str]:
    """Returns the phrases of the option `banned` and the lines of the file `banned_file`.

    Raises:
        UserError: The file cannot be read.
    """
    if options.banned_file is None:
        return list(options.banned)
    try:
        lines = options.banned_file.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(f"{options.banned_file}: {error.strerror}", "correct reply.banned_file") from None
    except UnicodeDecodeError:
        raise UserError(
            f"{options.banned_file}: not UTF-8", "save the file as UTF-8, with one word or phrase per line"
        ) from None
    return [*options.banned, *(line.strip() for line in lines if line.strip())]


def contains_phrase(tokens: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether the tokens of a phrase occur one after the other."""
    last_start = len(tokens) - len(phrase)
    return any(tokens[start : start + len(phrase)] == phrase for start in range(last_start + 1))
