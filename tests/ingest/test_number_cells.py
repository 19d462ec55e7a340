"""Numbers as instruments and accounting systems write them."""

from __future__ import annotations

import polars as pl
import pytest

from services.ingest.values.number_cells import plain_number
from tests.ingest.conftest import Read, values


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("+   0.709", ".", 0.709),
        ("-  3.2", ".", -3.2),
        ("- 3,2", ",", -3.2),
        ("3.2-", ".", -3.2),
        ("1.180,4-", ",", -1180.4),
        ("1’180.4", ".", 1180.4),
        ("1\u202f180,4", ",", 1180.4),
        ("\u22123.2", ".", -3.2),
    ],
)
def test_sign_and_groups_are_understood(text: str, decimal: str, value: float) -> None:
    read = plain_number(pl.Series([text]), decimal)  # type: ignore[arg-type]
    assert read.cast(pl.Float64).to_list() == [value]


def test_a_sign_apart_does_not_make_a_comma_group_thousands() -> None:
    assert plain_number(pl.Series(["+ 5,065"]), ".").cast(pl.Float64, strict=False).to_list() == [None]


@pytest.mark.parametrize("text", ["9358 65524", "12 3456", "1 23 456", "12'34"])
def test_two_numbers_in_a_cell_are_no_groups_of_one(text: str) -> None:
    assert plain_number(pl.Series([text]), ".").cast(pl.Float64, strict=False).to_list() == [None]


def test_summaries_and_units_below_the_table_are_a_footer(read: Read) -> None:
    rows = "".join(f"2024-03-{d:02} 00:00:00;{d},5;{d + 40}\n" for d in range(1, 29))
    footer = ";bar;°C\nMoyenne;5,1;50\nÉcart type;1,5;3\nTotal;9,5;\n"
    dataset = read(("Date;p;T\n" + rows + footer).encode())
    assert dataset.table.height == 28
    assert dataset.ledger["lines"]["footer"] == 4


def test_a_tag_called_like_a_summary_is_no_footer(read: Read) -> None:
    rows = [f"{tag};2024-03-{d:02} 00:00:00;{d},5" for tag in ("Flow", "Max Temp") for d in range(1, 29)]
    dataset = read("\n".join(["Tag;Time;Value", *rows]).encode())
    assert dataset.table.columns == ["source_row", "timestamp", "Flow", "Max Temp"]
    assert dataset.ledger["lines"]["footer"] == 0


@pytest.mark.parametrize(
    ("texts", "unit"), [(["$0.20", "-$1,250.50", "($3.00)"], "$"), (["0.20 €", "-1,250.50 €", "-3.00€"], "€")]
)
def test_sums_of_money_are_numbers_of_their_currency(texts: list[str], unit: str, read: Read) -> None:
    body = "".join(f'2024-01-0{i + 1};"{t}"\n' for i, t in enumerate(texts))
    dataset = read(f"day;cost\n{body}".encode())
    assert values(dataset, "cost") == [0.2, -1250.5, -3.0]
    assert dataset.units["cost"] == unit


@pytest.mark.parametrize("unit", ["", " °C", "°C", "\u00a0bar"])
@pytest.mark.parametrize("options", [{}, {"decimal": ","}])
def test_point_beside_a_column_of_decimal_commas_is_a_decimal_point(
    unit: str, options: dict[str, str], read: Read
) -> None:
    lines = [f"{20 + i / 10:.1f}{unit};{3 + i / 10:.1f} bar".replace(".", "!", 1).replace(".", ",") for i in range(40)]
    dataset = read("\n".join(["t;p", *lines]).replace("!", ".").encode(), **options)
    assert values(dataset, "t") == pytest.approx([20 + i / 10 for i in range(40)])
    assert values(dataset, "p") == pytest.approx([3 + i / 10 for i in range(40)])


def test_points_between_groups_of_three_stay_groups_beside_decimal_commas(read: Read) -> None:
    lines = [f"{1 + i}.250;{3 + i / 10:.1f}".replace(".", "!", 1).replace(".", ",") for i in range(40)]
    dataset = read("\n".join(["n;p", *lines]).replace("!", ".").encode())
    assert values(dataset, "n") == [1000 * (1 + i) + 250 for i in range(40)]
