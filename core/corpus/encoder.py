"""Encodes dialogs as lines of the corpus."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from autocakechat.interface.corpus import Utterance
from autocakechat.text import repair_surrogates

_DELIMITER = "\x7f"  # JSON does not escape it, and it is hardly ever part of a text
_ENCODED_DELIMITER = _DELIMITER.encode()


def repair_texts(utterances: Sequence[Utterance]) -> tuple[Utterance, ...]:
    """Returns turns that can be encoded: the surrogates in their texts are joined to characters or replaced."""
    return tuple(msgspec.structs.replace(utterance, text=repair_surrogates(utterance.text)) for utterance in utterances)


class DialogEncoder:
    """Encodes dialogs as JSON, in CakeChat's format: `[{"text": ..., "condition": ...}, ...]`."""

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode

    def __call__(self, utterances: Sequence[Utterance]) -> tuple[bytes, bytes]:
        """Encodes a dialog.

        Returns:
            The line, and an encoding of the texts without the labels: two dialogs have the same one if and only if
            their texts are the same.

        Raises:
            UnicodeEncodeError: A text contains an unpaired surrogate.
        """
        encode = self._encode
        texts = [utterance.text for utterance in utterances]
        emotions = {utterance.emotion for utterance in utterances}
        # Encodes all texts as one string and then replaces the delimiters, which takes half the time of encoding text
        # by text. It works if no text contains the delimiter and all labels are the same. With | for the delimiter:
        # "hi|hello" -> [{"text":"hi","condition":"joy"},{"text":"hello","condition":"joy"}]
        joined = encode(_DELIMITER.join(texts))
        if joined.count(_ENCODED_DELIMITER) != len(texts) - 1:
            return self._encode_one_by_one(utterances), encode(texts)
        if len(emotions) > 1:
            return self._encode_one_by_one(utterances), joined
        end = b'","condition":' + encode(emotions.pop()) + b"}"
        between = end + b',{"text":"'
        without_quote = joined[:-1]
        return b'[{"text":' + without_quote.replace(_ENCODED_DELIMITER, between) + end + b"]", joined

    def _encode_one_by_one(self, utterances: Sequence[Utterance]) -> bytes:
        objects = [
            b'{"text":%b,"condition":%b}' % (self._encode(utterance.text), self._encode(utterance.emotion))
            for utterance in utterances
        ]
        return b"[" + b",".join(objects) + b"]"
