"""The command group `acc cakechat`, with the command `import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from autocakechat.plugins.trainers.cakechat.network.settings import Activation

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("cakechat")
def cakechat() -> None:
    """Convert models of the original CakeChat."""


@cakechat.command("import")
@click.option(
    "--weights",
    type=_FILE,
    required=True,
    help="The model: an HDF5 file saved by CakeChat, or a tar archive that contains it.",
)
@click.option("--reverse", type=_FILE, help="The reverse model, required by the reranking modes.")
@click.option("--tokens", type=_FILE, required=True, help="The token index: t_idx_….json.")
@click.option("--conditions", type=_FILE, required=True, help="The condition index: c_idx_….json.")
@click.option(
    "--recurrent-activation",
    type=click.Choice(["sigmoid", "hard-sigmoid"]),
    default="sigmoid",
    show_default=True,
    help="Activation of the GRU gates: sigmoid for models that CakeChat trained on a GPU, hard-sigmoid for a CPU.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The model folder to create.")
def import_model(
    weights: Path, reverse: Path | None, tokens: Path, conditions: Path, recurrent_activation: Activation, out: Path
) -> None:
    """Convert an original CakeChat model to a model folder."""
    from autocakechat.plugins.trainers.cakechat.pretrained import original_model
    from autocakechat.plugins.trainers.cakechat.trainer_type import TRAINER

    original_model.import_model(TRAINER, weights, reverse, tokens, conditions, recurrent_activation, out)
    click.echo(f"{out}: created; run: acc chat {out}", err=True)
