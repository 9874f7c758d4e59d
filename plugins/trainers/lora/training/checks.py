"""Checks that options, base and corpus go together, before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autocakechat import RunContext, UserError
from autocakechat.plugins.trainers.lora.bases.record import FoundBase
from autocakechat.plugins.trainers.lora.language_model.loading import count_tokens
from autocakechat.plugins.trainers.lora.options import Options
from autocakechat.plugins.trainers.lora.prompts.system_line import SystemLine
from autocakechat.plugins.trainers.lora.training.conversations import LEAST_REPLIES

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def check_window(base: Any, found: FoundBase, window: int) -> None:
    """Checks that a base can read a whole window.

    Args:
        base: A causal language model of transformers.
        found: Where it is from.
        window: The maximum number of tokens of a window.

    Raises:
        UserError: It can read only fewer tokens.
    """
    longest = getattr(base.config, "max_position_embeddings", None)
    if longest and window > longest:
        raise UserError(
            f"{found.record.name}: it reads at most {longest} tokens at once, but trainer.window is {window}",
            f"set window = {longest} in [trainer], or choose another base",
        )


def check_system_line(system_line: SystemLine, options: Options, tokenizer: Tokenizer, run: RunContext) -> None:
    """Checks that the system line leaves space for conversations, and logs how many people it distinguishes.

    Args:
        system_line: Makes system lines.
        options: The options of `[trainer]`.
        tokenizer: The tokenizer of the base.
        run: The run, for its log.

    Raises:
        UserError: The line takes more than half of a window.
    """
    (tokens,) = count_tokens(tokenizer, [system_line.system])
    if tokens > options.window // 2:
        raise UserError(
            f"trainer.system has {tokens} tokens, more than half of trainer.window ({options.window})",
            "shorten system, or raise window in [trainer]",
        )
    if system_line.people:
        run.log.info("people = true: the model distinguishes %d people", len(system_line.people))
    elif options.people:
        run.log.warning("people = true has no effect: no participant has %d replies", LEAST_REPLIES)
