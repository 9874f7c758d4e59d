"""Reads a model of the original CakeChat, and converts it to a model folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from autocakechat import TrainerType, UserError, finalize_model_folder
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Conditions, Vocabulary
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.model_files import Model, ModelSettings, save_model
from autocakechat.plugins.trainers.cakechat.network.settings import Activation
from autocakechat.plugins.trainers.cakechat.network.weight_files import Arrays
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.pretrained.cakechat_index import read_index, read_token_index
from autocakechat.plugins.trainers.cakechat.pretrained.keras2_weights import (
    invalid_model,
    network_settings,
    read_weights,
)


def import_model(
    trainer: TrainerType,
    weights: Path,
    reverse: Path | None,
    tokens: Path,
    conditions: Path,
    activation: Activation,
    out: Path,
) -> None:
    """Converts an original model to a model folder. The folder appears only when it is complete.

    Args:
        trainer: The trainer that loads the model folder.
        weights: The model: HDF5, or an archive that contains it.
        reverse: The reverse model, in the same formats.
        tokens: The token index, JSON.
        conditions: The condition index, JSON.
        activation: The recurrent activation that the model was trained with.
        out: The model folder to create.

    Raises:
        UserError: A file is invalid, or the model folder already exists.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: already exists", "choose another folder with --out")
    settings, vocabulary, labels, arrays = read_original_model(weights, reverse, tokens, conditions, activation)
    networks = [Network(settings.network, network_weights) for network_weights in arrays]
    options = Options(padding="cakechat", text="cakechat", recurrent_activation=activation)

    unfinished = out.with_name(f"{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    save_model(Model(settings, vocabulary, labels, *networks), unfinished)
    finalize_model_folder(unfinished, trainer, options, {"words": len(vocabulary)})
    unfinished.replace(out)


def read_original_model(
    weights: Path, reverse: Path | None, tokens: Path, conditions: Path, activation: Activation
) -> tuple[ModelSettings, Vocabulary, Conditions, list[Arrays]]:
    """Reads the files of an original model; see `import_model` for the arguments.

    Returns:
        The settings, the vocabulary, the labels, and a list of the weights of the model and those of the reverse model
        if there is one.

    Raises:
        UserError: A file is invalid, or the files do not match each other.
    """
    vocabulary, labels = Vocabulary(read_token_index(tokens)), Conditions(read_index(conditions))
    arrays = [read_weights(file, len(vocabulary), len(labels.labels)) for file in (weights, reverse) if file]
    settings = ModelSettings(
        network=network_settings(arrays[0], activation),
        padding="cakechat",
        text="cakechat",
        context_lines=3,
        line_tokens=30,
        reply_tokens=30,
    )
    if reverse and network_settings(arrays[1], activation) != settings.network:
        raise invalid_model(reverse, "has another size than the model")
    return settings, vocabulary, labels, arrays
