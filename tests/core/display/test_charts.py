"""Charts and tables: content, geometry and escaping."""

from __future__ import annotations

import math
import re
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autocakechat import markup
from autocakechat.display.charts import Line, bars, columns, interval, line_chart, stacked_bar

HOSTILE = "<b onload='x'>&\x1b[31m\u202e"


def parsed(html: str) -> Element:
    return fromstring(f"<body>{html}</body>")


def texts(html: str, tag: str) -> list[str]:
    return ["".join(element.itertext()) for element in parsed(html).iter(tag)]


def percentages(html: str, *attributes: str) -> list[float]:
    values = [element.get(name) for element in parsed(html).iter() for name in attributes]
    return [float(value.removesuffix("%")) for value in values if value and value.endswith("%")]


@pytest.mark.parametrize("chart", [columns, bars])
def test_a_chart_without_counts_is_a_word(chart: type) -> None:
    assert chart([]) == chart([("a", 0), ("b", 0)]) == "<p>none</p>"


@pytest.mark.parametrize("chart", [columns, bars])
def test_a_single_count_is_a_sentence(chart: type) -> None:
    months = [("2024-01", 0), ("2024-02", 1234), *((f"2024-{month:02}", 0) for month in range(3, 10))]
    assert chart(months) == "<p>2024-02: 1,234</p>"


def test_few_columns_are_bars() -> None:
    assert columns([("a", 1), ("b", 2)]) == bars([("a", 1), ("b", 2)])


def test_columns_are_as_high_as_their_numbers_and_have_few_labels() -> None:
    chart = columns([(f"month {number}", number) for number in range(100)])
    heights = [float(column.get("height", "")) for column in parsed(chart).iter("rect")]
    assert heights == pytest.approx([120 * number / 99 for number in range(1, 100)], abs=0.06)
    assert texts(chart, "title")[41] == "month 42: 42"
    assert texts(chart, "text") == ["99", "month 0", "month 25", "month 50", "month 75"]


def test_bars_leave_out_names_without_counts_at_both_ends() -> None:
    chart = bars([("a", 0), ("b", 3), ("c", 0), ("d", 1), ("e", 0)])
    assert texts(chart, "th") == ["b", "c", "d"]
    assert [text for text in texts(chart, "td") if text] == ["3 (75 %)", "0 (0 %)", "1 (25 %)"]
    assert percentages(chart, "width") == pytest.approx([100, 0, 33.3])


def test_a_small_share_is_not_zero() -> None:
    assert "1 (&lt;1 %)" in bars([("a", 999), ("b", 1)])


def test_segments_fill_the_bar() -> None:
    chart = stacked_bar([("fast", 1), ("slow", 3)])
    assert percentages(chart, "x", "width") == [0, 25, 25, 75]
    assert texts(chart, "title") == ["fast: 25 %", "slow: 75 %"]


def test_an_interval_stays_on_its_axis() -> None:
    picture = interval(-0.1, 0.05, 0.2, 1.0)
    assert max(percentages(picture, "x", "width", "cx")) <= 100
    assert min(percentages(picture, "x", "width", "cx")) >= 0
    assert {"axis", "range", "reference"} <= {element.get("class") for element in parsed(picture).iter("rect")}
    assert "reference" not in interval(0.1, 0.2, 0.3, None)


def test_a_line_chart_has_lines_markers_labels_and_a_reference() -> None:
    lines = [Line("held-out", [(10, 100.0), (20, 50.0)], markers=True), Line("training", [(1, 400.0), (20, 40.0)])]
    chart = line_chart(lines, [(10, "epoch 1"), (20, "2")], ("baseline", 300.0))
    assert texts(chart, "title") == ["100", "50"]
    assert {"epoch 1", "2", "baseline: 300", "50", "100", "200"} <= set(texts(chart, "text"))
    assert [text.strip() for text in texts(chart, "span")] == ["held-out", "training"]
    (reference,) = (element for element in parsed(chart).iter("line") if element.get("class") == "reference")
    heights = [float(point.split(",")[1]) for line in parsed(chart).iter("polyline") for point in points(line)]
    # The reference is between 400 and 100, and equal ratios have equal distances.
    highest, lowest, first, last = heights
    assert highest < float(reference.get("y1", "")) < first
    assert (first - highest) / (lowest - highest) == pytest.approx(math.log(4) / math.log(10), abs=0.01)
    assert last - first == pytest.approx((lowest - highest) * math.log(2) / math.log(10), abs=0.2)


def points(line: Element) -> list[str]:
    return line.get("points", "").split()


@given(st.lists(st.floats() | st.floats(1, 1e6), max_size=20))
def test_every_line_stays_in_its_chart(values: list[float]) -> None:
    chart = line_chart([Line("x", list(enumerate(values)))], [])
    usable = sum(1e-9 <= value <= 1e9 for value in values)
    if not usable:
        assert chart == "<p>none</p>"
        return
    (line,) = parsed(chart).iter("polyline")
    coordinates = [tuple(map(float, point.split(","))) for point in points(line)]
    assert len(coordinates) == usable
    assert all(0 <= x <= 100 and 0 <= y <= 220 for x, y in coordinates)


@pytest.mark.parametrize(
    "html",
    [
        columns([(HOSTILE, 1)] * 9),
        bars([(HOSTILE, 1)] * 2),
        bars([(HOSTILE, 1)]),
        stacked_bar([(HOSTILE, 1)]),
        line_chart([Line(HOSTILE, [(1, 1.0)])], [(1, HOSTILE)], (HOSTILE, 2.0)),
        markup.table((HOSTILE,), [(HOSTILE,), (HOSTILE,)]),
        markup.render("{{ table(('',), [(name,)]) }}{{ name }}<p title=\"{{ name }}\"/>", name=HOSTILE),
        re.sub(r"<!doctype html>|<meta[^>]*>", "", markup.document(HOSTILE, [], [HOSTILE])),
    ],
)
def test_names_are_escaped(html: str) -> None:
    assert re.findall("<b |\x1b|\u202e|&\\\\", html) == []
    assert "&lt;b onload=" in html
    parsed(html)


def test_text_keeps_its_line_breaks() -> None:
    assert markup.text("one\ntwo\rthree") == "one\ntwo\\rthree"
    assert '<td dir="auto">one\ntwo</td>' in markup.table(("",), [("one\ntwo",)])


def test_numbers_are_aligned_to_the_right() -> None:
    table = markup.table(("name", "count", "share"), [("a", 1234, markup.Figure("3 %"))], more=5)
    assert re.findall(r'<td class="number">(.*?)</td>', table) == ["1,234", "3 %"]
    assert "and 5 more" in table
