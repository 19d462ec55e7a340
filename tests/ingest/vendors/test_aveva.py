"""AVEVA Historian (Wonderware): retrieval rows, wide retrieval, InTouch exports, fast-load files."""

from __future__ import annotations

import pytest

from tests.ingest.conftest import Read
from tests.ingest.vendors.truth import TIMES, VALUES, Sample, comma, holds_the_truth, long_file, point, wide_file


def _null(s: Sample) -> str:
    return "NULL" if s.bad else point(s.value)


RETRIEVAL = (
    "DateTime,TagName,Value,vValue,Quality,QualityDetail,OPCQuality,wwTagKey,wwRowCount,wwResolution,wwEdgeDetection,"
    "wwRetrievalMode,wwTimeDeadband,wwValueDeadband,wwTimeZone,wwVersion,wwCycleCount,wwTimeStampRule,"
    "wwInterpolationType,wwQualityRule,wwStateCalc,StateTime,PercentGood,wwParameters,StartDateTime,SourceTag,"
    "SourceServer,wwFilter,wwValueSelector,wwMaxStates,wwOption,wwExpression,wwUnit"
)
LONG = {
    "history table": long_file(
        "DateTime,TagName,Value,QualityDetail",
        lambda s: f"{s.time:%Y-%m-%d %H:%M:%S}.0000000,{s.tag},{_null(s)},{24 if s.bad else 192}",
    ),
    "all columns of the history table": long_file(
        RETRIEVAL,
        lambda s: (
            f"{s.time:%Y-%m-%d %H:%M:%S}.0000000,{s.tag},{_null(s)},{_null(s)},{1 if s.bad else 0},"
            f"{24 if s.bad else 192},{0 if s.bad else 192},12,0,10000,None,Cyclic,0,0,UTC,"
            "Latest,60,End,StairStep,Good,NULL,NULL,"
            f"{0 if s.bad else 100},NULL,{s.time:%Y-%m-%d %H:%M:%S}.0000000,{s.tag},SRV,NULL,Auto,10,,NULL,bar"
        ),
    ),
    "time called wwDateTime, German locale": long_file(
        "wwDateTime;TagName;vValue;QualityDetail",
        lambda s: f"{s.time:%d.%m.%Y %H:%M:%S};{s.tag};{comma(s.value)};{0 if s.bad else 192}",
    ),
    "quality 0 is good": long_file(
        "TagName\tDateTime\tValue\tQuality",
        lambda s: f"{s.tag}\t{s.time:%m/%d/%Y %I:%M:%S %p}\t{point(s.value)}\t{133 if s.bad else 0}",
    ),
    "client export": "Server: SRV\r\nRetrieval mode: Cyclic\r\nStart: 2024-03-14\r\n\r\n"
    + long_file(
        '"Tag Name","Time Stamp","Value","OPC Quality"',
        lambda s: f'"{s.tag}","{s.time:%Y-%m-%d %H:%M:%S}.000","{point(s.value)}","{24 if s.bad else 192}"',
    ),
    "words": long_file(
        "TagName;DateTime;Value;Quality",
        lambda s: f"{s.tag};{s.time:%Y-%m-%d %H:%M:%S};{point(s.value)};{'Bad' if s.bad else 'Good'}",
        by_tag=True,
    ),
    "fast load": "ASCII\r\n|\r\noperator|1|Server Local|10|0\r\n"
    + long_file(
        "",
        lambda s: f"{s.tag}|0|{s.time:%Y/%m/%d}|{s.time:%H:%M:%S}.000|0|{point(s.value)}|{24 if s.bad else 192}",
    ),
}


@pytest.mark.parametrize("layout", sorted(LONG))
def test_retrieval_rows(layout: str, read: Read) -> None:
    holds_the_truth(read(LONG[layout].encode(), name="history.csv"))


WIDE = {
    "wide history": wide_file(
        "DateTime,Flow,Temp,Count,Run",
        lambda i: f"{TIMES[i]:%Y-%m-%d %H:%M:%S}.0000000," + ",".join(point(v[i]) for v in VALUES.values()),
    ),
    "wide history under retrieval lines": "Retrieval: Cyclic, 10000 ms\r\nTime zone: UTC\r\n"
    + wide_file(
        "wwDateTime\tFlow\tTemp\tCount\tRun",
        lambda i: f"{TIMES[i]:%Y-%m-%d %H:%M:%S}\t" + "\t".join(point(v[i]) for v in VALUES.values()),
    ),
    "trend of a German client": wide_file(
        "Datum/Uhrzeit;Flow;Temp;Count;Run",
        lambda i: f"{TIMES[i]:%d.%m.%Y %H:%M:%S};" + ";".join(comma(v[i]) for v in VALUES.values()),
    ),
}


@pytest.mark.parametrize("layout", sorted(WIDE))
def test_wide_retrieval(layout: str, read: Read) -> None:
    dataset = read(WIDE[layout].encode())
    holds_the_truth(dataset, bad=False, time=dataset.table.columns[1])


def test_wide_retrieval_with_details_beside_each_tag(read: Read) -> None:
    text = wide_file(
        "DateTime," + ",".join(f"{t},{t}_QualityDetail" for t in VALUES),
        lambda i: (
            f"{TIMES[i]:%Y-%m-%d %H:%M:%S},"
            + ",".join(f"{point(v[i])},{24 if Sample(i, t, TIMES[i], v[i]).bad else 192}" for t, v in VALUES.items())
        ),
    )
    holds_the_truth(read(text.encode()), time="DateTime")
