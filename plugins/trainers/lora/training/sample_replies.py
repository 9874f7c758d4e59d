"""Sample replies: the bot's replies to the same few held-out contexts during training."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autocakechat import exchanges_of
from autocakechat.plugins.trainers.lora.engine.interface import Sampling
from autocakechat.plugins.trainers.lora.engine.torch_engine import TorchEngine
from autocakechat.plugins.trainers.lora.options import Options
from autocakechat.plugins.trainers.lora.prompts.prompt import PromptBuilder
from autocakechat.plugins.trainers.lora.prompts.system_line import SystemLine
from autocakechat.plugins.trainers.lora.training.conversations import Conversation

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from autocakechat.plugins.trainers.lora.prompts.chat_format import ChatFormat
    from autocakechat.plugins.trainers.lora.prompts.examples import Examples

_LINES = 3
_MAX_TOKENS = 40


class SampleReplies:
    """Generates replies to a few contexts.

    Args:
        model: The model in training.
        tokenizer: Its tokenizer.
        chat_format: Its chat format.
        options: The options of `[trainer]`.
        system_line: Makes system lines.
        examples: Finds past exchanges for the prompts.
        held_out: The held-out dialogs, which the contexts are from.
        seed: The seed of the choice of contexts and of the replies.

    Attributes:
        prompts: The contexts, with the replies of the person.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Tokenizer,
        chat_format: ChatFormat,
        options: Options,
        system_line: SystemLine,
        examples: Examples,
        held_out: Sequence[Conversation],
        seed: int,
    ) -> None:
        self._engine = TorchEngine(model, tokenizer, chat_format, options.window)
        max_tokens = min(_MAX_TOKENS, options.window // 2)  # the other half is for the prompt
        self._sampling = Sampling(0.8, 0.1, 1.05, max_tokens, seed)
        exchanges = [
            (exchange, dialog.origin.kind, dialog.origin.person(pair))
            for dialog in held_out
            for pair, exchange in enumerate(exchanges_of(dialog.turns, _LINES))
        ]
        rng = random.Random(seed)  # noqa: S311 - not for secrets
        numbers = rng.sample(range(len(exchanges)), min(options.rehearsals, len(exchanges)))
        chosen = [exchanges[number] for number in sorted(numbers)]
        self.prompts = [prompt for prompt, _, _ in chosen]
        engine = self._engine
        limit = options.window - max_tokens
        build = PromptBuilder(chat_format, limit, engine.count_tokens, engine.count_prompt_tokens)
        self._texts = [
            build(system_line.text(prompt.label, kind, person, examples.lines(prompt.context)), prompt.context)
            for prompt, kind, person in chosen
        ]

    def __call__(self) -> list[str]:
        """Returns the reply of the model, with its present weights, to each context."""
        return [reply.strip() for reply in self._engine.generate(self._texts, self._sampling)]
