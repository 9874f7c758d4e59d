"""The verdict of an evaluation, in words."""

from __future__ import annotations

import attrs
import pytest

from autocakechat.display.evaluation_page import evaluation_page
from autocakechat.display.verdict import Finding, cautions, verdict
from autocakechat.evaluation.metric_registry import METRICS
from autocakechat.evaluation.results import Evaluation, ExampleReplies, Measurement
from tests.core.display.page_content import parse, rows, sections

EVALUATION = Evaluation(
    samples=300,
    available=383,
    candidates=10,
    seed=42,
    distinct_words=1000,
    most_frequent_answer="yes",
    measures={metric.key: Measurement(bot=0.0, person=0.0, most_frequent=0.0, random=0.0) for metric in METRICS}
    | {
        "mean_average_precision": Measurement(bot=0.39, most_frequent=0.30, random=0.29),
        "commas": Measurement(bot=0.20, person=0.25, most_frequent=0.0),
        "questions": Measurement(bot=0.50, person=0.25, most_frequent=0.0),
        "emoji": Measurement(bot=0.02, person=0.05, most_frequent=0.0),
        "words": Measurement(bot=5.0, person=20.0),
        "distinct_2": Measurement(bot=0.45, person=0.90),
        "different": Measurement(bot=0.90, person=1.0),
        "lexical_similarity": Measurement(bot=0.8, person=0.9, most_frequent=0.1),
    },
    margins={metric.key: Measurement(bot=0.03) for metric in METRICS},
    notes=[],
    examples=[],
)


def changed(**values: Measurement) -> Evaluation:
    return attrs.evolve(EVALUATION, measures=EVALUATION.measures | values)


def findings(evaluation: Evaluation) -> dict[str, Finding]:
    return {finding.question.split()[-1].rstrip("?"): finding for finding in verdict(evaluation)}


@pytest.mark.parametrize(
    ("precision", "level", "answer"),
    [
        (0.31, "poor", "No"),  # the interval contains chance, 0.29
        (0.34, "fair", "Hardly"),  # and the ranking by frequency, 0.32
        (0.36, "fair", "A little"),
        (0.48, "fair", "A little"),
        (0.50, "good", "Yes"),  # a quarter of the way from 0.32 to 1
    ],
)
def test_the_context_is_judged_by_the_interval(precision: float, level: str, answer: str) -> None:
    ranking = Measurement(bot=precision, most_frequent=0.32, random=0.29)
    context = findings(changed(mean_average_precision=ranking))["context"]
    assert (context.level, context.answer) == (level, answer)
    assert f"{precision:.2f}, 95 % interval {precision - 0.03:.2f} to {precision + 0.03:.2f}; chance 0.29" in str(
        context
    )


def test_without_a_ranking_the_context_is_not_judged() -> None:
    found = findings(changed(mean_average_precision=Measurement()))
    assert str(found["context"]) == "Does it follow the context? Not measured. There was no ranking of true replies."
    assert "was not measured" in found["baselines"].details
    one_reply = attrs.evolve(EVALUATION, margins={metric.key: Measurement() for metric in METRICS})
    assert findings(one_reply)["context"].level == "unknown"


def test_the_style_counts_common_features_only() -> None:
    style = findings(EVALUATION)["person"]
    assert (style.level, style.answer) == ("fair", "Partly")
    assert "Of 2 common features of style, 1 are within 10 percentage points" in style.details
    assert "The largest differences: with a question mark 50 % (person 25 %)." in style.details
    assert "comma" not in style.details
    alike = findings(changed(questions=Measurement(bot=0.3, person=0.25, most_frequent=0.0)))["person"]
    assert (alike.level, "differences" in alike.details) == ("good", False)
    unlike = findings(changed(commas=Measurement(bot=0.9, person=0.25, most_frequent=0.0)))["person"]
    assert unlike.level == "poor"


@pytest.mark.parametrize(
    ("bot", "level", "answer"),
    [(5.0, "poor", "Shorter"), (12.0, "fair", "Shorter"), (17.0, "good", "Yes"), (30.0, "fair", "Longer")],
)
def test_the_length_is_a_ratio(bot: float, level: str, answer: str) -> None:
    length = findings(changed(words=Measurement(bot=bot, person=20.0)))["long"]
    assert (length.level, length.answer) == (level, answer)


@pytest.mark.parametrize(("bot", "level"), [(0.8, "good"), (0.5, "fair"), (0.3, "poor"), (None, "unknown")])
def test_the_variety_is_that_of_pairs_of_words(bot: float | None, level: str) -> None:
    assert findings(changed(distinct_2=Measurement(bot=bot, person=0.9)))["varied"].level == level


def test_each_baseline_is_beaten_or_not() -> None:
    assert findings(EVALUATION)["baselines"].level == "good"
    random = changed(mean_average_precision=Measurement(bot=0.29, most_frequent=0.30, random=0.29))
    assert findings(random)["baselines"].level == "fair"
    assert "not fit the context measurably better than a random reply" in findings(random)["baselines"].details
    same = attrs.evolve(
        random, measures=random.measures | {"lexical_similarity": Measurement(bot=0.1, most_frequent=0.1)}
    )
    assert findings(same)["baselines"].level == "poor"


def test_few_replies_and_notes_limit_the_verdict() -> None:
    assert cautions(EVALUATION) == []
    few = attrs.evolve(EVALUATION, samples=22, notes=["a note"])
    assert cautions(few)[0] == "a note"
    assert "only 22 replies" in cautions(few)[1]


def test_the_page_shows_who_is_evaluated_intervals_and_examples() -> None:
    example = ExampleReplies(["Hi!\nHow are you?", "Fine", "Good"], "<b>And you?</b>", "yes\nyes")
    html = evaluation_page(attrs.evolve(EVALUATION, examples=[example]), "toy", person="Bob <i>", date="2024-05-01")
    content = dict(sections(html))
    about = next(element for element in content[""] if element.get("class") == "about")
    assert "".join(about.itertext()) == "Bob <i> · trainer toy · trained on 2024-05-01"
    styles = [row[0::2] + row[3:] for element in content["Does it write like the person?"] for row in rows(element)]
    # A feature that neither the bot nor the person uses has no row.
    assert styles == [
        ["replies", "bot", "person"],
        ["with a comma", "20 % ± 3", "25 %"],
        ["with a question mark", "50 % ± 3", "25 %"],
        ["with emoji", "2 % ± 3", "5 %"],
    ]
    turns = [(turn.get("class"), "".join(turn.itertext())) for turn in parse(html).iter("p") if turn.get("dir")]
    assert turns == [
        ("client", "Hi!\nHow are you?"),
        ("server", "Fine"),
        ("client", "Good"),
        ("server person", "person<b>And you?</b>"),
        ("server bot", "botyes\nyes"),
    ]
