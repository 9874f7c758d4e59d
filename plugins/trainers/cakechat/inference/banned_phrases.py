"""Words and phrases that are never to be said."""

from __future__ import annotations

from autocakechat import UserError
from autocakechat.plugins.trainers.cakechat.options import ReplyOptions


def banned_phrases(options: ReplyOptions) -> list[str]:
    """Returns those of `banned` and those of the lines of `banned_file`.

    Raises:
        UserError: The file cannot be read.
    """
    if options.banned_file is None:
        return list(options.banned)
    try:
        lines = options.banned_file.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(f"{options.banned_file}: {error.strerror}", "reply.banned_file names it") from None
    except UnicodeDecodeError:
        raise UserError(f"{options.banned_file}: not UTF-8", "save it as UTF-8, a word or phrase a line") from None
    return [*options.banned, *(line.strip() for line in lines if line.strip())]
