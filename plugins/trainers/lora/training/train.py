"""The trainer: finds the base, makes windows, trains the adapter, writes the model folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import msgspec

from autocakechat import Corpus, ReplyIndex, ReplyRanker, RunContext, StageError, UserError, write_whole
from autocakechat.plugins.trainers.lora.bases.find import find_base
from autocakechat.plugins.trainers.lora.bases.record import FoundBase
from autocakechat.plugins.trainers.lora.gguf_files.llama_files import write_llama_files
from autocakechat.plugins.trainers.lora.language_model.adapter import adapter_weights, add_adapter, write_tensors
from autocakechat.plugins.trainers.lora.language_model.loading import count_tokens, load_base, load_tokenizer
from autocakechat.plugins.trainers.lora.language_model.precision import Precision, choose_device, choose_precision
from autocakechat.plugins.trainers.lora.model.folder import (
    ADAPTER,
    PAST_REPLIES,
    RANKER,
    TOKENIZER,
    Settings,
    write_model_folder,
)
from autocakechat.plugins.trainers.lora.options import Options
from autocakechat.plugins.trainers.lora.prompts.examples import Examples
from autocakechat.plugins.trainers.lora.training.checks import check_system_line, check_window
from autocakechat.plugins.trainers.lora.training.conversations import (
    Conversation,
    choose_system_line,
    held_out_conversations,
    training_conversations,
)
from autocakechat.plugins.trainers.lora.training.history import History
from autocakechat.plugins.trainers.lora.training.loop import TrainingConfig, TrainingData, TrainingLoop
from autocakechat.plugins.trainers.lora.training.memory import available_memory, estimate_training_memory, lacks_memory
from autocakechat.plugins.trainers.lora.training.process_group import ProcessGroup, join_process_group
from autocakechat.plugins.trainers.lora.training.report_page import training_page
from autocakechat.plugins.trainers.lora.training.sample_replies import SampleReplies
from autocakechat.plugins.trainers.lora.training.windows import Window, WindowMaker

_HELD_OUT_TOKENS = 8192
"""Tokens of held-out windows that are measured: enough to tell adapters apart, few enough to do it often."""
_LARGE_BASE = 500_000_000
_RATES = (1e-3, 2e-4)
_MEMORY_HINT = "lower trainer.step_tokens and trainer.window, or choose a smaller base"


def train(options: Options, corpus: Corpus, into: Path, run: RunContext) -> Mapping[str, Any]:
    """Trains an adapter, and writes a model folder.

    Args:
        options: The options of `[trainer]`.
        corpus: The corpus.
        into: An empty folder for the model.
        run: Log, progress, seed and the folder for checkpoints.

    Returns:
        The metrics `bits_per_character`, `base_bits_per_character` and `perplexity`, if there are held-out replies;
        `replies`, `windows`, `tokens`, `weights`, `steps`, `seconds` and `tokens_per_second`.

    Raises:
        UserError: The corpus has too few replies, the base cannot be used, or the training diverged.
        StageError: There is not enough memory.
    """
    try:
        with join_process_group(choose_device()) as group:
            if group.rank == 0:
                return _train(options, corpus, into, run, group)
            with TemporaryDirectory() as scratch:  # only the process with the rank 0 writes into the given folders
                state, model = Path(scratch, "state"), Path(scratch, "model")
                for folder in (state, model):
                    folder.mkdir()
                return _train(options, corpus, model, attrs.evolve(run, state=state), group)
    except (MemoryError, RuntimeError) as error:
        if not lacks_memory(error):
            raise
        raise StageError("there is not enough memory to train this base", _MEMORY_HINT) from error


def _train(options: Options, corpus: Corpus, into: Path, run: RunContext, group: ProcessGroup) -> Mapping[str, Any]:
    precision = _common_precision(choose_precision(options.precision), group)
    available = available_memory()
    # Files usually have 16 bits a weight.
    largest = None if available is None else available * {"4bit": 4.0, "bfloat16": 1.0, "float32": 0.5}[precision]
    found = find_base(options.base, options.base_path, options.sha256, run, largest)
    with run.progress(f"loading {found.record.name}"):
        tokenizer, chat_format = load_tokenizer(found)
        base = load_base(found, precision, group.device)
    check_window(base, found, options.window)
    system_line = choose_system_line(options, corpus)
    check_system_line(system_line, options, tokenizer, run)
    held_out = held_out_conversations(corpus)
    index = _index_past_replies(corpus, into, run) if options.ranking else None
    examples = Examples(index, options.examples, partial(count_tokens, tokenizer), options.window // 4)
    maker = WindowMaker(tokenizer, chat_format, system_line, options.window, examples)
    pad = tokenizer.token_to_id(chat_format.end)
    data = _prepare_data(options, corpus, held_out, found, precision, maker, pad, run)
    alpha = options.alpha or 2.0 * options.rank
    model, adapter = add_adapter(base, options.rank, alpha, options.dropout, run.seed % 2**31)
    weights = sum(weight.numel() for weight in adapter_weights(model).values())
    _spare_memory(model, weights, options, precision, run)
    samples = SampleReplies(model, tokenizer, chat_format, options, system_line, examples, held_out, run.seed)
    config = _training_config(options, base.num_parameters(), precision, run.seed)
    group.copy_files(run.state)
    loop = TrainingLoop(model, data, config, run, group, samples if group.rank == 0 else list)
    run.log.info(
        "%d windows with %d replies, %d tokens; %d weights of the adapter; %s on %s; at most %d steps",
        len(data.windows),
        sum(window.replies for window in data.windows),
        sum(len(window.ids) for window in data.windows),
        weights,
        precision,
        group.device.type,
        loop.total_steps,
    )
    history = loop.run()
    metrics = _metrics(data, history, weights)
    if group.rank:
        return metrics

    write_tensors(into / ADAPTER, adapter_weights(model))
    if found.record.gguf:
        write_llama_files(found.folder / found.record.gguf, adapter, into)
    write_whole(into / TOKENIZER, tokenizer.to_str().encode())
    labels = sorted({turn.emotion for dialog in corpus.dialogs("train") for turn in dialog[1::2]})
    settings = Settings(
        chat_format,
        options.system,
        tuple(labels),
        options.window,
        options.examples,
        system_line.names_kind,
        tuple(system_line.people),
    )
    write_model_folder(into, found, adapter, settings)
    if index:
        ReplyRanker.fit(index, corpus, run.seed, run.progress).save(into / PAST_REPLIES / RANKER)
    write_whole(into / "training.json", msgspec.json.format(msgspec.json.encode(attrs.asdict(history)), indent=1))
    page = training_page(metrics, history, samples.prompts, corpus.report, date.today())
    write_whole(into / "training.html", page.encode())
    return metrics


def _common_precision(own: Precision, group: ProcessGroup) -> Precision:
    """Returns the number format of all processes: float32 if the processor of one of them lacks bfloat16."""
    (others,) = group.sum_numbers(own != "bfloat16")
    return "float32" if own == "bfloat16" and others else own


def _prepare_data(
    options: Options,
    corpus: Corpus,
    held_out: Sequence[Conversation],
    found: FoundBase,
    precision: Precision,
    maker: WindowMaker,
    pad: int,
    run: RunContext,
) -> TrainingData:
    with run.progress("reading the corpus", unit="windows") as progress:
        windows = []
        for window in maker.windows(training_conversations(corpus, options.per_chat)):
            windows.append(window)
            progress.advance()
    replies = sum(window.replies for window in windows)
    if replies < options.min_replies:
        raise UserError(
            f"the corpus has {replies} replies to train on, fewer than trainer.min_replies ({options.min_replies})",
            "use more chats, or lower trainer.min_replies",
        )
    measured = list(_up_to(maker.windows(_spread(held_out)), _HELD_OUT_TOKENS))
    affecting = [field.name for field in attrs.fields(Options) if field.metadata["affects_key"]]
    chosen = {name: getattr(options, name) for name in affecting}
    content = [found.record.files, chosen, run.seed, precision, [window.ids for window in windows]]
    fingerprint = hashlib.sha256(msgspec.json.encode(content, enc_hook=str)).hexdigest()
    return TrainingData(windows, measured, pad, fingerprint)


def _spread(dialogs: Sequence[Conversation]) -> Iterator[Conversation]:
    """Yields all dialogs, the first ones far apart, so that a few of them represent all."""
    step = max(1, len(dialogs) // 16)
    for start in range(step):
        yield from islice(dialogs, start, None, step)


def _up_to(windows: Iterator[Window], tokens: int) -> Iterator[Window]:
    """Yields windows until they have so many tokens."""
    used = 0
    for window in windows:
        yield window
        used += len(window.ids)
        if used >= tokens:
            return


def _training_config(options: Options, weights: int, precision: Precision, seed: int) -> TrainingConfig:
    return TrainingConfig(
        epochs=options.epochs,
        patience=options.patience,
        step_tokens=options.step_tokens,
        learning_rate=options.learning_rate or _RATES[weights > _LARGE_BASE],
        warm_up=options.warm_up,
        clip_norm=options.clip_norm,
        seed=seed % 2**31,
        checkpoint_seconds=options.checkpoint_seconds,
        bfloat16=precision != "float32",
    )


def _spare_memory(model: Any, weights: int, options: Options, precision: Precision, run: RunContext) -> None:
    """Turns on gradient checkpointing if memory is short: activations are computed twice instead of kept."""
    bytes_per_number = 4 if precision == "float32" else 2
    step_tokens = max(options.step_tokens, options.window)
    needed = estimate_training_memory(model, weights, step_tokens, options.window, bytes_per_number)
    available = available_memory()
    if available is not None and needed > available:
        run.log.warning(
            "training needs about %.1f GB of memory, but only %.1f GB are available: activations are computed twice, "
            "which takes a third more time; %s",
            needed / 1e9,
            available / 1e9,
            _MEMORY_HINT,
        )
        base = model.get_base_model()
        # Newer versions of transformers have another name for it.
        enable = getattr(base, "activation_checkpointing_enable", None) or base.gradient_checkpointing_enable
        enable({"use_reentrant": False})
        base.enable_input_require_grads()


def _index_past_replies(corpus: Corpus, into: Path, run: RunContext) -> ReplyIndex:
    """Indexes the person's past replies: examples in prompts, and candidates beside those of the model."""
    (into / PAST_REPLIES).mkdir()
    return ReplyIndex.build(corpus, into / PAST_REPLIES, run.progress)


def _metrics(data: TrainingData, history: History, weights: int) -> dict[str, Any]:
    metrics: dict[str, Any] = {}
    if history.evaluations:
        best = history.evaluations[history.best]
        metrics["bits_per_character"] = round(best.bits_per_character, 4)
        metrics["base_bits_per_character"] = round(history.evaluations[0].bits_per_character, 4)
        metrics["perplexity"] = round(best.perplexity, 2)
    return metrics | {
        "replies": sum(window.replies for window in data.windows),
        "windows": len(data.windows),
        "tokens": history.tokens,
        "weights": weights,
        "steps": history.steps,
        "seconds": round(history.seconds, 1),
        "tokens_per_second": round(history.tokens_per_second, 1),
    }
