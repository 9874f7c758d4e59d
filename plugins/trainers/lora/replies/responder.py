"""A loaded model that generates and scores replies."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path

from autocakechat import Reply, ReplyIndex, ReplyRanker, Request, RunContext, Score, UserError
from autocakechat.plugins.trainers.lora.engine.choice import open_engine, open_scoring_engine
from autocakechat.plugins.trainers.lora.engine.interface import Engine, Sampling
from autocakechat.plugins.trainers.lora.model.folder import PAST_REPLIES, RANKER, Settings, read_model_folder
from autocakechat.plugins.trainers.lora.options import ReplyOptions
from autocakechat.plugins.trainers.lora.prompts.examples import Examples
from autocakechat.plugins.trainers.lora.replies.request_prompt import CONTEXT_LINES, RequestPrompts
from autocakechat.plugins.trainers.lora.replies.selection import PastReplies, ReplySelection


def load(path: Path, options: ReplyOptions, run: RunContext) -> LanguageModelResponder:
    """Loads a model folder.

    Args:
        path: A folder that the trainer wrote.
        options: The options of `[reply]`.
        run: Log and progress.

    Raises:
        UserError: The folder is damaged or stores no past replies that an option needs, or the base or the engine is
            not on this machine.
    """
    folder = read_model_folder(path, run)
    past = None
    if (path / PAST_REPLIES).is_dir():
        index = ReplyIndex.open(path / PAST_REPLIES)
        past = PastReplies(index, ReplyRanker.open(index, path / PAST_REPLIES / RANKER))
    elif needed := [name for name in ("past_replies", "examples") if getattr(options, name)]:
        raise UserError(
            f"{path}: the model stores no past replies, which reply.{needed[0]} needs",
            f"train with ranking = true in [trainer], or set {needed[0]} = 0 in [reply]",
        )
    engine = open_engine(folder, options.engine)
    scoring_engine = partial(open_scoring_engine, folder, options.engine, engine)
    return LanguageModelResponder(engine, folder.settings, past, options, scoring_engine)


class LanguageModelResponder:
    """Generates candidates with a language model, and chooses among them and the person's past replies.

    Args:
        engine: Runs the model.
        settings: The settings of the model folder.
        past: The person's past replies; None if the model stores none.
        options: The options of `[reply]`.
        open_scoring_engine: Returns the engine for `score`, which may take long to load; None for `engine`.
    """

    context_lines = CONTEXT_LINES

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        past: PastReplies | None,
        options: ReplyOptions,
        open_scoring_engine: Callable[[], Engine] | None = None,
    ) -> None:
        self.labels: Sequence[str] = settings.labels
        self._engine = engine
        self._open_scoring_engine = open_scoring_engine or (lambda: engine)
        self._chat_format = settings.chat_format
        self._options = options
        self._seed = secrets.randbits(32) if options.seed is None else options.seed
        self._batches = 0
        self._max_tokens = min(options.max_tokens, settings.window // 2)  # the other half is for the prompt
        count = settings.examples if options.examples is None else options.examples
        examples = Examples(past.index if past else None, count, engine.count_tokens, settings.window // 4)
        self._prompt = RequestPrompts(settings, examples, engine, self._max_tokens)
        self._selection = ReplySelection(engine, self._prompt, past, options)

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        """Generates replies for a batch of conversations.

        If no candidate of a request may be sent, others are generated, `tries` times at most. Then the fallback is the
        reply.

        Args:
            requests: One request per conversation.

        Returns:
            One reply per request, in the same order.
        """
        replies = [Reply(self._options.fallback)] * len(requests)
        pending = list(range(len(requests)))
        for _ in range(self._options.tries):
            if not pending:
                break
            asked = [requests[number] for number in pending]
            chosen = self._selection.choose(asked, self._generate(asked))
            for number, reply in zip(pending, chosen, strict=True):
                replies[number] = reply or replies[number]
            pending = [number for number, reply in zip(pending, chosen, strict=True) if reply is None]
        return replies

    def score(self, requests: Sequence[Request], replies: Sequence[Sequence[str]]) -> list[list[Score]]:
        """Computes the log-likelihood of replies, independently of the options of `[reply]`.

        Args:
            requests: One request per conversation.
            replies: For each request, any number of replies. Of a reply that does not fit into the window of the
                training, the beginning is scored.

        Returns:
            For each request, one score per reply, in the same order.
        """
        clean = self._chat_format.without_special
        texts = [[clean(text) for text in texts_of_one] for texts_of_one in replies]
        return self._scoring_engine.score([self._prompt(request) for request in requests], texts)

    @cached_property
    def _scoring_engine(self) -> Engine:
        """The engine for scoring many replies, loaded on first use."""
        return self._open_scoring_engine()

    def _generate(self, requests: Sequence[Request]) -> list[list[str]]:
        """Generates the candidates of each request."""
        count = self._options.candidates
        prompts = [prompt for request in requests for prompt in [self._prompt(request)] * count]
        self._batches += 1  # the same message gets another reply the next time
        sampling = Sampling(
            temperature=self._options.temperature,
            min_p=self._options.min_p,
            repetition_penalty=self._options.repetition_penalty,
            max_tokens=self._max_tokens,
            seed=(self._seed + 7919 * self._batches) % 2**32,
        )
        found = [reply.strip() for reply in self._engine.generate(prompts, sampling)]
        return [found[start : start + count] for start in range(0, len(found), count)]
