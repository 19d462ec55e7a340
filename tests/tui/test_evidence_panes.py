"""Merge, Refine and Compare at both sizes: what is shown, what keys do, and that nothing is clipped or covered."""

from __future__ import annotations

import math

import pytest
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Button, Collapsible, Input, Select, Static

from clients.tui.app import SensorForgeApp
from clients.tui.charts import Chart, Heatmap, Histogram, LineChart
from clients.tui.modals.data_sets import DataSetsPrompt
from clients.tui.modals.dialogs import LinePrompt, Question
from clients.tui.panes.compare import ComparePane
from clients.tui.session import Step
from clients.tui.tables import FittedTable
from clients.tui.training import Numbers, Told, TrainingPicture
from clients.tui.views import EpochPoint, RunRow

from .fake_gateway import FakeGateway
from .newcomer import calm
from .test_workflow import screen, settle
from .waiting import until, until_on, until_still

SIZES = [(80, 24), (160, 48)]
STEPS = ("upload", "validate", "map", "transform", "merge", "refine", "compare")


def at(step: Step) -> FakeGateway:
    """Returns a gateway with one run whose steps before this one are done."""
    gateway = FakeGateway([RunRow("machines/pump-1/runs/1", "pump.csv", "pump-1", "merge", 90.0)])
    gateway.finished = dict.fromkeys(STEPS[: step - 1], "done")
    return gateway


async def opened(pilot: Pilot[None]) -> None:
    await settle(pilot)
    await pilot.press("enter")
    await settle(pilot)


async def compared(pilot: Pilot[None]) -> ComparePane:
    await opened(pilot)
    await pilot.press("ctrl+g")
    await settle(pilot)
    assert screen(pilot).board.records[Step.COMPARE].state == "done"
    return screen(pilot).query_one(ComparePane)


def text_of(chart: Chart) -> str:
    rows = chart.rows(chart.size.width, chart.size.height)
    return "\n".join("".join(span for span, _ in row) for row in rows)


def seen(widget: Widget) -> bool:
    """Returns whether all of a widget is on the screen, with nothing of another pane over its middle."""
    if not (widget.is_on_screen and widget.region.area):
        return False
    whole = widget.screen.find_widget(widget).visible_region
    top, _ = widget.screen.get_widget_at(*widget.region.center)
    return whole == widget.region and (top is widget or widget in top.ancestors)


@pytest.mark.parametrize("size", SIZES)
async def test_every_view_of_the_comparison_is_whole_and_uncovered(size: tuple[int, int]) -> None:
    async with SensorForgeApp(at(Step.COMPARE)).run_test(size=size) as pilot:
        pane = await compared(pilot)
        shown_by_view = {
            "gates": ["#gates"],
            "sensors": ["#sensors", "#shape"],
            "correlations": ["#correlations"],
            "losses": ["#fitting LineChart"],
            "sets": ["#set-rows", "#sets"],
        }
        for view, parts in shown_by_view.items():
            assert screen(pilot).query_one(f"#view-{view}").has_class("chosen")
            for part in parts:
                assert seen(pane.query_one(part)), (view, part)
            assert seen(pane.query_one("#verdict"))
            assert seen(screen(pilot).query_one("#continue", Button))
            await pilot.press("right_square_bracket")
            await settle(pilot)
        assert pane.query_one("#view-gates").has_class("chosen")


async def test_a_wide_window_shows_four_views_at_once() -> None:
    async with SensorForgeApp(at(Step.COMPARE)).run_test(size=(160, 48)) as pilot:
        pane = await compared(pilot)
        assert all(seen(pane.query_one(part)) for part in ("#gates", "#shape", "#correlations", "#fitting LineChart"))
        widths = [pane.query_one(part).region.width for part in ("#view-gates", "#view-sensors")]
        assert abs(widths[0] - widths[1]) <= 1
        used = max(w.region.bottom for w in pane.query("#correlations, #fitting"))
        assert used >= 48 - 7  # detail, status, buttons and footer


@pytest.mark.parametrize("size", SIZES)
async def test_no_table_of_the_comparison_is_cut_at_its_right_edge(size: tuple[int, int]) -> None:
    async with SensorForgeApp(at(Step.COMPARE)).run_test(size=size) as pilot:
        pane = await compared(pilot)
        for _ in range(5):
            for table in pane.query(FittedTable):
                if table.is_on_screen and table.region.area:
                    assert table.virtual_size.width <= table.size.width, table.id
            await pilot.press("right_square_bracket")
            await settle(pilot)


async def test_up_and_down_show_another_sensors_distribution() -> None:
    async with SensorForgeApp(at(Step.COMPARE)).run_test(size=(80, 24)) as pilot:
        pane = await compared(pilot)
        await pilot.press("right_square_bracket")
        await settle(pilot)
        title, chart = pane.query_one("#shape-title", Static), pane.query_one("#shape", Histogram)
        assert "winding_temp_C" in str(title.render())
        assert all(word in text_of(chart) for word in ("real", "original", "refined", "°C"))
        await pilot.press("down")
        await settle(pilot)
        assert "bearing_de_temp_C" in str(title.render())


async def test_the_arrows_explain_a_pair_of_sensors() -> None:
    async with SensorForgeApp(at(Step.COMPARE)).run_test(size=(80, 24)) as pilot:
        pane = await compared(pilot)
        await pilot.press("right_square_bracket", "right_square_bracket")
        await settle(pilot)
        assert "-.08" in text_of(pane.query_one(Heatmap))
        await pilot.press("down", "right", "right")
        await settle(pilot)
        detail = str(pane.query_one("#compare-detail", Static).render())
        assert detail.startswith("bearing_de_temp_C and bearing_nde_temp_C: real +0.50, original +0.00, refined +0.42")


@pytest.mark.parametrize("size", SIZES)
async def test_other_data_sets_are_generated_and_compared(size: tuple[int, int]) -> None:
    gateway = at(Step.COMPARE)
    async with SensorForgeApp(gateway).run_test(size=size) as pilot:
        await compared(pilot)
        await pilot.press("g")
        await until_on(pilot, DataSetsPrompt)
        await calm(pilot)
        pilot.app.screen.query_one("#set-count", Input).value = "nine"
        await calm(pilot)
        assert "whole number" in str(pilot.app.screen.query_one("#set-split", Static).render())
        pilot.app.screen.query_one("#set-count", Input).value = "10,000"
        pilot.app.screen.query_one("#set-where", Input).value = "winding_temp_C > 80"
        await calm(pilot)
        assert "7,000 to train, 1,500" in str(pilot.app.screen.query_one("#set-split", Static).render())
        await pilot.click("#generate")
        await settle(pilot)
        assert screen(pilot).board.records[Step.COMPARE].state == "done"
    assert gateway.calls.count("take Compare") == 2
    assert "sets 10000 winding_temp_C > 80" in gateway.calls


async def test_the_report_alone_is_saved_where_a_person_says() -> None:
    gateway = at(Step.COMPARE)
    async with SensorForgeApp(gateway).run_test(size=(80, 24)) as pilot:
        await compared(pilot)
        await pilot.press("e")
        await until_on(pilot, LinePrompt)
        await pilot.press("enter")
        await settle(pilot)
        assert "comparison.pdf" in str(screen(pilot).query_one("#status", Static).render())
    assert any(call.startswith("export") and call.endswith("pump-1/report") for call in gateway.calls)


async def test_before_the_switch_old_and_new_and_every_gate_are_shown() -> None:
    async with SensorForgeApp(at(Step.COMPARE)).run_test(size=(80, 24)) as pilot:
        await compared(pilot)
        await pilot.press("M")
        await until_on(pilot, Question)
        await calm(pilot)
        shown = [str(strip.text) for strip in pilot.app.screen._compositor.render_strips()]
        assert any("abcdefabcdef → 0123456789ab" in line for line in shown)
        assert any("✔ KL divergence" in line and "≤ real + 0.1" in line for line in shown)
        assert any("6 passed, 1 undecided" in line for line in shown)
        await pilot.press("escape")
        await settle(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_a_training_is_shown_in_numbers_in_a_chart_and_in_words(size: tuple[int, int]) -> None:
    gateway = at(Step.REFINE)
    async with SensorForgeApp(gateway).run_test(size=size) as pilot:
        await opened(pilot)
        gateway.hold.clear()
        await pilot.press("ctrl+g")
        pane = screen(pilot).query_one("#pane-6")
        numbers, chart, told = pane.query_one(Numbers), pane.query_one(LineChart), pane.query_one(Told)
        await until(pilot, lambda: "10/10" in text_of(numbers) and "── refinement" in text_of(chart))
        await until_still(pilot)
        assert "patience" in text_of(numbers)
        assert "── refinement" in text_of(chart)
        assert "╌╌ original" in text_of(chart)
        assert "Refine at work" in text_of(told)
        assert all(seen(part) for part in (numbers, chart, told))
        await pilot.press("l")
        await until(pilot, lambda: chart.log_y)
        gateway.hold.set()
        await settle(pilot)


async def test_advanced_choices_are_kept_and_a_number_that_is_none_is_named() -> None:
    gateway = at(Step.REFINE)
    async with SensorForgeApp(gateway).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert not any(call.startswith("training") for call in gateway.calls)
        pane = screen(pilot).query_one("#pane-6")
        pane.query_one(Collapsible).collapsed = False
        await calm(pilot)
        assert all(seen(pane.query_one(f"#{field}")) for field in ("engine", "base", "strategy", "freeze", "patience"))
        pane.query_one("#base", Select).value = "none"
        pane.query_one("#batch", Input).value = "2.5"
        await settle(pilot)
        pane.focus()
        await pilot.press("ctrl+g")
        await settle(pilot)
        assert "batch" in str(screen(pilot).query_one("#status", Static).render())
        assert "take Refine" not in gateway.calls
        pane.query_one("#batch", Input).value = "256"
        await settle(pilot)
        await pilot.press("ctrl+g")
        await settle(pilot)
        assert "take Refine" in gateway.calls
        assert (gateway.told.base, gateway.told.batch_size) == ("none", 256)


@pytest.mark.parametrize("size", SIZES)
async def test_a_merge_shows_rows_and_remaining_life_before_it_is_done(size: tuple[int, int]) -> None:
    async with SensorForgeApp(at(Step.MERGE)).run_test(size=size) as pilot:
        await opened(pilot)
        pane = screen(pilot).query_one("#pane-5")
        shown = "\n".join(strip.text for strip in screen(pilot)._compositor.render_strips())
        assert "6,300 + 10,000" in shown
        assert "1,350 held-out rows are kept away" in shown
        assert seen(pane.query_one("#life"))
        assert "real" in text_of(pane.query_one("#life", Histogram))
        await pilot.press("m")
        await settle(pilot)
        await pilot.press("ctrl+g")
        await settle(pilot)


async def test_only_changed_cells_are_painted_anew() -> None:
    async with SensorForgeApp(at(Step.REFINE)).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        pane = screen(pilot).query_one("#pane-6")
        picture, numbers = pane.query_one("#losses", TrainingPicture), pane.query_one(Numbers)
        await until(pilot, lambda: not picture._dirty)  # the curves that were recalled are painted from a timer
        point = EpochPoint("refined", 10, 100, 1.0, 1.1, 1.1, 1e-3, 0.1, 9.0, 10, 40.0)
        numbers.show(point)
        await calm(pilot)
        painted: list[int] = []
        refresh = numbers.refresh

        def counted(*regions, **options):  # type: ignore[no-untyped-def]
            painted.extend(region.area for region in regions)
            return refresh(*regions, **options)

        numbers.refresh = counted  # type: ignore[method-assign]
        numbers.show(EpochPoint("refined", 11, 100, 1.0, 1.1, 1.1, 1e-3, 0.1, 9.0, 10, 40.0))
        assert painted == [1]
        assert picture.is_on_screen


@pytest.mark.parametrize("theme", ["dark", "light", "high-contrast"])
async def test_the_numbers_of_the_heat_map_can_be_read_in_every_theme(theme: str) -> None:
    async with SensorForgeApp(at(Step.COMPARE)).run_test(size=(160, 48)) as pilot:
        pane = await compared(pilot)
        pilot.app.theme = theme
        await settle(pilot)
        chart = pane.query_one(Heatmap)
        for share in (-1.0, -0.5, 0.0, 0.5, 1.0):
            style = chart._style(f"heat:{share:.2f}")
            assert style.color is not None
            assert style.bgcolor is not None
            light, dark = sorted((luminance(style.color), luminance(style.bgcolor)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (theme, share)


def luminance(colour: object) -> float:
    """Returns the relative luminance of WCAG 2.2."""
    parts = [c / 255 for c in colour.get_truecolor()]  # type: ignore[attr-defined]
    linear = [c / 12.92 if c <= 0.03928 else math.pow((c + 0.055) / 1.055, 2.4) for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
