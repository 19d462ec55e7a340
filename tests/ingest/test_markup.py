"""Tables as markup: HTML saved as .xls, SpreadsheetML, XML of historians; what is hostile or no table is refused."""

from __future__ import annotations

import pytest

from services.chassis.errors import SensorForgeError
from services.ingest.limits import Limits
from tests.ingest.conftest import Read, facts, values
from tests.ingest.vendors.truth import ROWS, TAGS, TIMES, VALUES, Sample, comma, holds_the_truth, point, samples

CELLS = [[f"{TIMES[i]:%d.%m.%Y %H:%M:%S}", *(comma(VALUES[t][i]) for t in TAGS)] for i in range(ROWS)]


def page(body: str) -> bytes:
    return f"<html><head><meta charset=utf-8><style>td {{color:red}}</style></head><body>{body}</body></html>".encode()


def rows(cells: list[list[str]], cell: str = "td") -> str:
    return "".join("<tr>" + "".join(f"<{cell}>{c}</{cell}>" for c in r) + "</tr>" for r in cells)


def test_page_saved_as_xls_is_its_fullest_table(read: Read) -> None:
    layout = "<table><tr><td>Station</td><td>North</td></tr></table>"
    title = "<tr><th colspan=5>Trend &ndash; Pump</th></tr>"
    body = f"{layout}<table>{title}{rows([['Time', *TAGS]], 'th')}{rows(CELLS)}</table>"
    holds_the_truth(read(page(body), name="trend.xls"), bad=False, time="Time")


def test_cells_without_end_tags_and_blanks_of_html_are_read(read: Read) -> None:
    body = "<TABLE><TR><TH>Time<TH>Flow<TR><TD>2024-01-01 00:00<TD>1.5<TR><TD>2024-01-01 00:01<TD>&nbsp;</TABLE>"
    dataset = read(page(body), name="x.xls")
    assert values(dataset, "Flow") == [1.5, None]
    assert dataset.ledger["balanced"]


def test_cell_that_spans_rows_moves_those_of_the_next_row(read: Read) -> None:
    head = "<tr><th rowspan=2>Time</th><th colspan=2>Pump 1</th></tr><tr><th>Flow</th><th>Temp</th></tr>"
    body = rows([[f"2024-01-01 00:0{i}", str(i), str(10 + i)] for i in range(5)])
    dataset = read(page(f"<table>{head}{body}</table>"), name="x.xls")
    assert dataset.table.columns[1:] == ["Time", "Pump 1 Flow", "Pump 1 Temp"]


@pytest.mark.parametrize("body", ["<p>Please log in</p>", "<table><tr><td>User</td><td>Name</td></tr></table>"])
def test_page_without_values_is_refused(body: str, read: Read) -> None:
    with pytest.raises(SensorForgeError, match="without a table of values"):
        read(page(body), name="export.csv")


def test_spans_of_a_bomb_are_bounded(read: Read) -> None:
    body = "<table>" + "<tr><td colspan=1000 rowspan=1000>1</td></tr>" * 400 + "</table>"
    with pytest.raises(SensorForgeError) as refused:
        read(page(body), name="x.xls", limits=Limits(sheet_cells=100_000))
    assert refused.value.reason == "INGEST_LIMIT"


SPREADSHEET = '<?xml version="1.0"?>\n<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="x">'


def test_spreadsheetml_has_typed_cells_and_places(read: Read) -> None:
    body = '<Worksheet ss:Name="Trend"><Table><Row>'
    body += "".join(f'<Cell><Data ss:Type="String">{n}</Data></Cell>' for n in ("Time", *TAGS)) + "</Row>"
    for i in range(ROWS):
        body += f'<Row><Cell><Data ss:Type="DateTime">{TIMES[i]:%Y-%m-%dT%H:%M:%S.000}</Data></Cell>'
        for place, tag in enumerate(TAGS, 2):
            value = f'<Data ss:Type="Number">{VALUES[tag][i]}</Data>'
            body += f'<Cell ss:Index="{place}">{value}</Cell>' if (i, tag) != (3, "Temp") else ""
        body += "</Row>"
    dataset = read(f"{SPREADSHEET}{body}</Table></Worksheet></Workbook>".encode(), name="t.xls")
    assert values(dataset, "Temp")[3] is None
    holds_the_truth(dataset, bad=False, time="Time", tags=["Flow", "Count", "Run"])
    assert facts(dataset)["sheet"] == "Trend"


def _samples(element: str) -> str:
    def one(s: Sample) -> str:
        code = "bad" if s.bad else "good"
        return element.format(tag=s.tag, time=f"{s.time:%Y-%m-%dT%H:%M:%SZ}", value=point(s.value), quality=code)

    return "".join(map(one, samples()))


@pytest.mark.parametrize(
    "element",
    [
        '<Sample Tag="{tag}" Time="{time}" Value="{value}" Quality="{quality}"/>',
        "<Row><TagName>{tag}</TagName><TimeStamp>{time}</TimeStamp><Value>{value}</Value><Quality>{quality}</Quality></Row>",
        '<I ItemName="{tag}" Timestamp="{time}"><Value t="d">{value}</Value><Quality QualityField="{quality}"/></I>',
    ],
)
def test_samples_in_xml(element: str, read: Read) -> None:
    document = f'<?xml version="1.0"?><a:Export xmlns:a="x"><a:Body>{_samples(element)}</a:Body></a:Export>'
    holds_the_truth(read(document.encode(), name="history.xml"))


def test_series_in_xml(read: Read) -> None:
    body = "".join(
        f'<Tag Name="{t}">'
        + "".join(
            f"<Data><TimeStamp>{s.time:%Y-%m-%dT%H:%M:%SZ}</TimeStamp><Value>{point(s.value)}</Value>"
            f"<OpcQuality>{'Bad' if s.bad else 'Good'}</OpcQuality></Data>"
            for s in samples()
            if s.tag == t
        )
        + "</Tag>"
        for t in TAGS
    )
    holds_the_truth(read(f"<Import><DataList>{body}</DataList></Import>".encode(), name="data.xml"))


HOSTILE = {
    "FILE_CORRUPT": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>',
    "INGEST_LIMIT": b"<a>" * 100 + b"</a>" * 100,
    "NOT_A_TABLE": b'<?xml version="1.0"?><note>Ask Bob.</note>',
}


@pytest.mark.parametrize("reason", sorted(HOSTILE))
def test_xml_that_is_no_table_is_refused(reason: str, read: Read) -> None:
    with pytest.raises(SensorForgeError) as refused:
        read(HOSTILE[reason], name="x.xml")
    assert refused.value.reason == reason


def test_lines_that_begin_with_an_angle_are_no_markup(read: Read) -> None:
    dataset = read(b"<LOGGER: 7>\nTime,Flow\n2024-01-01 00:00,1\n2024-01-01 00:01,2\n", name="x.csv")
    assert values(dataset, "Flow") == [1, 2]
