"""Summarises an artifact for people: whose replies it was made of, how many, when, by which trainer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs

from autocakechat.artifacts.store import Artifact, ArtifactKind, Ingredients, is_key, read_manifest
from autocakechat.text import escape_control_characters, pluralize

_KEY_DIGITS = 8


@attrs.frozen(kw_only=True)
class ArtifactSummary:
    """What a person wants to know about a corpus or a model. None: unknown, for artifacts of older versions.

    Attributes:
        kind: `corpus` or `model`.
        key: The artifact key; empty for a model that was not trained by `acc run`.
        person: The name of the person whose replies it was made of.
        replies: The number of replies.
        created: When it was made, ISO 8601 with an offset.
        trainer: The name of the trainer; None for a corpus.
        metrics: The metrics of the training, the main one first; empty for a corpus.
    """

    kind: ArtifactKind
    key: str
    person: str | None
    replies: int | None
    created: str | None
    trainer: str | None
    metrics: Mapping[str, Any]

    @classmethod
    def of(cls, artifact: Artifact) -> ArtifactSummary:
        """Summarises an artifact of a store."""
        return cls.of_manifest(artifact.kind, artifact.manifest, artifact.path)

    @classmethod
    def of_manifest(cls, kind: ArtifactKind, manifest: Mapping[str, Any], folder: Path) -> ArtifactSummary:
        """Summarises an artifact by the content of its manifest and its folder."""
        return cls(
            kind=kind,
            key=manifest.get("key", ""),
            person=manifest.get("person") or _server(kind, manifest.get("ingredients", {}), folder),
            replies=manifest.get("replies"),
            created=manifest.get("created"),
            trainer=manifest.get("trainer"),
            metrics=manifest.get("metrics", {}),
        )

    @property
    def date(self) -> str:
        """When it was made, in local time, to the minute; empty if unknown."""
        try:
            return f"{datetime.fromisoformat(self.created or '').astimezone():%Y-%m-%d %H:%M}"
        except (ValueError, OverflowError):  # empty, damaged, or in a year that some time zones do not have
            return ""

    @property
    def short_key(self) -> str:
        """The first digits of the key, which commands accept instead of the whole key."""
        return self.key[:_KEY_DIGITS]

    @property
    def main_metric(self) -> str:
        """The first metric with its name; empty without metrics."""
        return next((f"{name} {format_metric(value)}" for name, value in self.metrics.items()), "")

    def __str__(self) -> str:
        parts = [
            escape_control_characters(self.person or ("person unknown" if self.key else "imported")),
            "" if self.replies is None else pluralize(self.replies, "reply", "replies"),
            self.date,
            f"trainer {self.trainer}" if self.trainer else "",
            f"key {self.short_key}" if self.key else "",
        ]
        return ", ".join(filter(None, parts))


def _server(kind: ArtifactKind, ingredients: Ingredients, folder: Path) -> str | None:
    """Returns the id of the person for an artifact whose manifest has no name, because an older version made it."""
    if kind == "model":
        key = ingredients.get("corpus")
        corpus = folder.absolute().parent.parent / "corpus"
        ingredients = ((is_key(key) and read_manifest(corpus / key, "corpus")) or {}).get("ingredients", {})
    server = ingredients.get("extractor.server")
    return server if isinstance(server, str) else None


def format_metric(value: Any) -> str:
    """Formats the value of a metric: floats with four significant digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def folder_size(folder: Path) -> int:
    """Returns the size of all files in a folder in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
