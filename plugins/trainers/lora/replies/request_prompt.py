"""Makes the prompts of requests: the system line with examples, and the turns of the conversation."""

from __future__ import annotations

from autocakechat import Request
from autocakechat.plugins.trainers.lora.engine.interface import Engine
from autocakechat.plugins.trainers.lora.model.folder import Settings
from autocakechat.plugins.trainers.lora.prompts.examples import Examples
from autocakechat.plugins.trainers.lora.prompts.prompt import PromptBuilder

CONTEXT_LINES = 20


class RequestPrompts:
    """Makes prompts that leave space for a reply in the window of a model.

    Args:
        settings: The settings of the model folder.
        examples: Finds past exchanges for the system line.
        engine: Counts tokens.
        max_tokens: The maximum number of tokens of a reply.
    """

    def __init__(self, settings: Settings, examples: Examples, engine: Engine, max_tokens: int) -> None:
        self._system_line = settings.system_line
        self._examples = examples
        limit = settings.window - max_tokens
        self._build = PromptBuilder(settings.chat_format, limit, engine.count_tokens, engine.count_prompt_tokens)

    def __call__(self, request: Request, without: range = range(0)) -> str:
        """Makes the prompt of a request.

        Args:
            request: The request.
            without: Numbers of past exchanges to leave out as examples: those of the conversation itself.
        """
        examples = self._examples.lines(request.context, without)
        system = self._system_line.text(request.emotion, request.chat_kind, request.person, examples)
        return self._build(system, request.context[-CONTEXT_LINES:])
