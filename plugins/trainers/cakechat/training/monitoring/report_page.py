"""`training.html`: sample replies, curves and metrics of a training, in one page without external resources."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from autocakechat import markup
from autocakechat.plugins.trainers.cakechat.training.monitoring.history import History
from autocakechat.plugins.trainers.cakechat.training.monitoring.sample_replies import Prompt

_EPOCHS_SHOWN = 10

_TEMPLATE = """
{% from "messages.html" import messages %}
<p>{{ summary }}</p>
{% if prompts %}
<h2>Sample replies</h2>
<p>Replies to contexts that were held out of training, after each epoch. Words outside the model's vocabulary are left
out. These messages are from the chats: share this page only with people who may read them.</p>
{% for prompt, rows in prompts %}
<div class="example lines">
{{ messages(prompt.context, [("person", prompt.reply)]) }}
{{ table(("", "the bot's reply"), rows) }}
</div>
{% endfor %}
{% endif %}
{% for name, history, lines, labels, reference in charts %}
<h2>Perplexity of the {{ name }} model</h2>
{% if loop.first %}
<p>How unlikely the model finds each word of the replies; lower is better. If the perplexity of the held-out replies
rises while that of the training replies falls, the model memorises.</p>
{% endif %}
{{ line_chart(lines, labels, reference) }}
<p>{{ pluralize(history.epochs, "epoch") }} in {{ "{:,.0f}".format(history.seconds) }} s. The model has the weights of
epoch {{ history.best_epoch + 1 }}, the one with the lowest perplexity on the held-out replies.</p>
{% endfor %}
<h2>Metrics</h2>
{{ table(("metric", "value"), metrics) }}
"""


def training_page(
    metrics: Mapping[str, Any],
    histories: Mapping[str, History],
    prompts: Sequence[Prompt],
    person: str | None,
    date: datetime.date,
) -> str:
    """Makes the page.

    Args:
        metrics: The metrics of the training.
        histories: The history of each network, by its name; the sample replies are those of the first.
        prompts: The prompts of the sample replies. Without prompts, the page has no texts and names from the chats.
        person: The name of the person to learn, if it is known.
        date: The day of the training.

    Returns:
        HTML.
    """
    first = next(iter(histories.values()))
    epochs = _epochs_with_replies(first, len(prompts))
    prompts = prompts if epochs else ()
    body = markup.render(
        _TEMPLATE,
        summary=_summary(metrics),
        prompts=[(prompt, _reply_rows(first, index, epochs)) for index, prompt in enumerate(prompts)],
        charts=[
            # The unigram baseline is that of the first network.
            (name, history, _lines(history), _epoch_labels(history), _baseline(metrics) if history is first else None)
            for name, history in histories.items()
        ],
        metrics=[(name.replace("_", " "), markup.Figure(_format(value))) for name, value in metrics.items()],
    )
    return markup.document("Training", [body], [person if prompts else None, date.isoformat()])


def person_name(report: Mapping[str, Any]) -> str | None:
    """Returns the name of the person to learn: the one with the most replies.

    Args:
        report: The report of a corpus; older ones do not name the person.
    """
    people = report.get("replies_by") or [{}]
    more = f" and {len(people) - 1} more" if len(people) > 1 else ""
    name = people[0].get("name") or people[0].get("id")
    return f"{name}{more}" if name else None


def _summary(metrics: Mapping[str, Any]) -> str:
    references = {
        "the start model had": metrics.get("start_perplexity"),
        "a model that knows only the word frequencies has": metrics.get("unigram_perplexity"),
    }
    compared = [f"; {name} {_format(value)}" for name, value in references.items() if value is not None]
    return (
        f"The perplexity on held-out replies is {_format(metrics['perplexity'])}{''.join(compared)}. Lower is better."
    )


def _epochs_with_replies(history: History, prompts: int) -> list[int]:
    """Returns the epochs with a reply to each prompt.

    Others were before the training was resumed with another number of `rehearsals`: their replies are to other prompts.
    """
    return [epoch for epoch, replies in enumerate(history.replies) if len(replies) == prompts]


def _reply_rows(history: History, index: int, epochs: Sequence[int]) -> list[tuple[str, str]]:
    """Returns the replies to a prompt in some epochs. Consecutive epochs with the same reply are joined.

    Args:
        history: The history of the network.
        index: The number of the prompt.
        epochs: The epochs with replies to the prompts.
    """
    count = len(history.replies)
    step = max(1, math.ceil(len(epochs) / _EPOCHS_SHOWN))
    shown = sorted({*epochs[::step], epochs[-1], history.best_epoch} & set(epochs))
    rows = []
    for reply, group in groupby(shown, key=lambda epoch: history.replies[epoch][index]):
        same = list(group)
        name = f"epoch {same[0] + 1}" if len(same) == 1 else f"epochs {same[0] + 1} to {same[-1] + 1}"
        rows.append((f"{name} (best)" if history.best_epoch in same and count > 1 else name, reply))
    return rows


def _lines(history: History) -> list[markup.Line]:
    held_out = list(zip(history.steps, history.perplexities, strict=True))
    # The training loss is the logarithm of a perplexity; the highest one that a float can hold is e^709.
    training = [(point.step, math.exp(min(point.loss, 700.0))) for point in history.curve]
    return [markup.Line("held-out replies", held_out, markers=True), markup.Line("training replies", training)]


def _epoch_labels(history: History) -> list[tuple[float, str]]:
    return [(step, "epoch 1" if epoch == 1 else str(epoch)) for epoch, step in enumerate(history.steps, 1)]


def _baseline(metrics: Mapping[str, Any]) -> tuple[str, float] | None:
    value = metrics.get("unigram_perplexity")
    return None if value is None else ("word frequencies alone", value)


def _format(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
