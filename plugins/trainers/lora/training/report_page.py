"""`training.html`: sample replies, curves and metrics of a training, in one page without external resources."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from autocakechat import Exchange, markup
from autocakechat.plugins.trainers.lora.training.history import History

_TEMPLATE = """
{% from "messages.html" import messages %}
<p>{{ summary }}</p>
{% if prompts %}
<h2>Sample replies</h2>
<p>Replies to contexts that were held out of training, in the course of the training. Step 0 is the base, before it saw
a chat. These messages are from the chats: share this page only with people who may read them.</p>
{% for prompt, rows in prompts %}
<div class="example lines">
{{ messages(prompt.context, [("person", prompt.reply)]) }}
{{ table(("", "the bot's reply"), rows) }}
</div>
{% endfor %}
{% endif %}
{% if held_out %}
<h2>Held-out replies</h2>
<p>Bits per character: how many bits a perfect compression by the model takes for each character of replies that it has
not seen; lower is better. If it rises while the loss of the training replies falls, the model memorises. The model has
the weights of step {{ "{:,}".format(best) }}, the lowest point.</p>
{{ line_chart(held_out, held_out_steps) }}
{% endif %}
{% if training %}
<h2>Training replies</h2>
<p>Perplexity per token.</p>
{{ line_chart(training, training_steps) }}
{% endif %}
<h2>Metrics</h2>
{{ table(("metric", "value"), metrics) }}
"""


def training_page(
    metrics: Mapping[str, Any],
    history: History,
    prompts: Sequence[Exchange],
    report: Mapping[str, Any],
    date: datetime.date,
) -> str:
    """Makes the page.

    Args:
        metrics: The metrics of the training.
        history: The course of the training.
        prompts: The contexts of the sample replies. Without them, the page has no texts and names from the chats.
        report: The report of the corpus, which may name the person.
        date: The day of the training.

    Returns:
        HTML.
    """
    places = _places_with_replies(history, len(prompts))
    prompts = prompts if places else ()
    held_out = [(found.step, found.bits_per_character) for found in history.evaluations]
    training = [(step, math.exp(min(loss, 700.0))) for step, loss in history.losses]
    body = markup.render(
        _TEMPLATE,
        summary=_summary(metrics),
        prompts=[(prompt, _reply_rows(history, number, places)) for number, prompt in enumerate(prompts)],
        held_out=[markup.Line("bits per character", held_out, markers=True)] if held_out else [],
        best=history.evaluations[history.best].step if held_out else 0,
        held_out_steps=_step_labels(held_out),
        training_steps=_step_labels(training),
        training=[markup.Line("perplexity of training replies", training)] if training else [],
        metrics=[(name.replace("_", " "), markup.Figure(_format(value))) for name, value in metrics.items()],
    )
    return markup.document("Training", [body], [_person(report) if prompts else None, date.isoformat()])


def _summary(metrics: Mapping[str, Any]) -> str:
    if "bits_per_character" not in metrics:
        return "The corpus has no held-out replies to measure on."
    return (
        f"The model takes {metrics['bits_per_character']:.3f} bits for a character of a held-out reply; the base alone "
        f"takes {metrics['base_bits_per_character']:.3f}. Lower is better."
    )


def _places_with_replies(history: History, prompts: int) -> list[int]:
    """Returns the numbers of the evaluations with a reply to each prompt.

    Others were before the training was resumed with another number of `rehearsals`: their replies are to other prompts.
    """
    return [place for place, found in enumerate(history.evaluations) if len(found.replies) == prompts]


def _reply_rows(history: History, number: int, places: Sequence[int]) -> list[tuple[str, str]]:
    """Returns the replies to a prompt. Consecutive evaluations with the same reply are joined.

    Args:
        history: The course of the training.
        number: The number of the prompt.
        places: The numbers of the evaluations with replies to the prompts.
    """
    rows = []
    for reply, group in groupby(places, key=lambda place: history.evaluations[place].replies[number]):
        same = list(group)
        steps = [history.evaluations[place].step for place in same]
        name = f"step {steps[0]:,}" if len(steps) == 1 else f"steps {steps[0]:,} to {steps[-1]:,}"
        rows.append((f"{name} (best)" if history.best in same else name, reply))
    return rows


def _step_labels(points: Sequence[tuple[int, float]]) -> list[tuple[float, str]]:
    return [(step, f"{step:,}" if place else f"step {step:,}") for place, (step, _) in enumerate(points)]


def _person(report: Mapping[str, Any]) -> str | None:
    people = report.get("replies_by") or [{}]
    name = people[0].get("name") or people[0].get("id")
    return str(name) if name else None


def _format(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
