"""Masks the texts of a dialog before it is annotated, in another process than the one that writes the corpus."""

from __future__ import annotations

from collections import Counter

import msgspec

from autocakechat.corpus.masking.masker import Masker
from autocakechat.corpus.options import CorpusOptions
from autocakechat.interface.corpus import Dialog


class MaskedTexts(msgspec.Struct, frozen=True, gc=False):
    """The texts of a dialog, masked. An annotator may change its labels afterwards, but never its texts.

    Attributes:
        texts: The masked texts, by turn; empty if there is nothing to mask.
        counts: The number of placeholders, by kind.
    """

    texts: tuple[str, ...] = ()
    counts: dict[str, int] = {}


UNCHANGED = MaskedTexts()
"""The result for a dialog in which nothing is masked."""


class DialogMasker:
    """Masks dialogs as `CorpusWriter` does.

    Args:
        options: The options of the table `[corpus]`.
    """

    def __init__(self, options: CorpusOptions) -> None:
        self._masker = Masker(options.mask, options.phone_regions)

    def mask(self, dialog: Dialog) -> MaskedTexts:
        """Returns the masked texts of a dialog.

        Raises:
            UnicodeEncodeError: A text contains an unpaired surrogate; see `repair_texts`.
        """
        texts = [utterance.text for utterance in dialog.utterances]
        if not self._masker.may_match("\n".join(texts).encode()):
            return UNCHANGED
        counts: Counter[str] = Counter()
        masked = tuple(self._masker.mask(text, counts) for text in texts)
        return MaskedTexts(masked, dict(counts)) if counts else UNCHANGED
