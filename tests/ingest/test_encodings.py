"""The letters of an export decide between encodings that all read its bytes."""

from __future__ import annotations

import pytest

from services.ingest.text.encoding import detect_encoding
from tests.ingest.conftest import Read, facts

KOREAN = "시간,태그명,값,품질\n2024-01-01 00:00:00,PT101,1.5,양호\n2024-01-01 00:00:10,PT101,1.6,불량\n"
CHINESE = "时间,标签,值,质量\n2024-01-01 00:00:00,PT101,1.5,良好\n"
JAPANESE = "日時,温度,圧力,品質\n2024-01-01,3.5,2,正常\n2024-01-02,3.5,2,異常\n"
TAIWANESE = "時間,溫度,壓力,品質\n2024-01-01,3.5,2,良好\n2024-01-02,3.5,2,不良\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (KOREAN, "euc-kr"),
        ("번호,냉각수 입구온도,냉각수 출구온도,압축기 전류\n1,2,3,4\n", "cp949"),
        (CHINESE, "gb18030"),
        ("序号,进水温度,出水温度,主电机电流,状态\n1,2,3,4,停机\n", "gb18030"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (TAIWANESE, "big5"),
        ("ВРЕМЯ;НАСОС;ДАВЛЕНИЕ\n1;2;3\n", "cp1251"),
        ("Время;Температура;Давление\n1;2;3\n", "koi8-r"),
        ("Дата;Расход воды;Уровень\n1;2;3\n", "cp866"),
    ],
)
def test_headings_come_out_as_they_were_written(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    assert data.decode(detect_encoding(data, complete=True).value) == text


def test_accents_between_ascii_letters_are_not_cyrillic(read: Read) -> None:
    rows = "".join(f"13/03/2024 à {r:02d}h10;{r},5\n" for r in range(24))
    dataset = read(("Date;Débit (m³/h)\n" + rows).encode("cp1252"))
    assert facts(dataset)["encoding"] == "cp1252"
    assert "Débit (m³/h)" in dataset.table.columns


def test_single_cyrillic_letters_beside_words_are_cyrillic(read: Read) -> None:
    rows = "".join(f"13.03.2024 {r:02d}:10;{r},5;{r},25;7;8\n" for r in range(24))
    dataset = read(("Дата;Т1;Т2;Р1;Р2\n" + rows).encode("cp1251"))
    assert dataset.table.columns == ["source_row", "Дата", "Т1", "Т2", "Р1", "Р2"]
