"""`acc cakechat`: what can be done with models besides training and answering."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from autocakechat.plugins.trainers.cakechat.network.packed_gru import Activation

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("cakechat")
def cakechat() -> None:
    """Models of CakeChat."""


@cakechat.command("import")
@click.option(
    "--weights", type=_FILE, required=True, help="The model: HDF5, as CakeChat saved it, or the archive with it."
)
@click.option("--reverse", type=_FILE, help="The reverse model, which the reranking modes need.")
@click.option("--tokens", type=_FILE, required=True, help="The index of tokens: t_idx_….json.")
@click.option("--conditions", type=_FILE, required=True, help="The index of conditions: c_idx_….json.")
@click.option(
    "--recurrent-activation",
    type=click.Choice(["sigmoid", "hard-sigmoid"]),
    default="sigmoid",
    show_default=True,
    help="sigmoid for a model that was trained on a GPU, hard-sigmoid for one that was not.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The model folder to make.")
def import_model(
    weights: Path, reverse: Path | None, tokens: Path, conditions: Path, recurrent_activation: Activation, out: Path
) -> None:
    """Make a model folder of a model of the original CakeChat."""
    from autocakechat.plugins.trainers.cakechat.pretrained import keras2_weights
    from autocakechat.plugins.trainers.cakechat.trainer_type import TRAINER

    keras2_weights.import_model(TRAINER, weights, reverse, tokens, conditions, recurrent_activation, out)
    click.echo(f"{out}: ready; type: acc chat {out}", err=True)
