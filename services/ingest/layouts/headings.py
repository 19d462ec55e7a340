"""What a column's heading says it is in the exports of historians and loggers, in several languages.

Headings are compared by their letters and digits alone: `Tag_Name`, `TagName` and `tag name` are one word. Within a
role the words stand in tiers; a word of an earlier tier is believed before one of a later tier.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

Role = Literal["tag", "value", "other value", "time", "clock", "milliseconds", "quality", "unit"]


def _without_accents(word: str) -> str:
    """Returns a word as systems write it that know no accents."""
    if word.isascii():
        return word
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c)).replace("ł", "l")


_QUALITY_NOUNS = (
    "quality", "qualität", "qualitaet", "qualité", "qualite", "calidad", "qualità", "qualita", "qualidade", "kwaliteit",
    "jakość", "kvalitet", "kvalita", "качество", "laatu", "kalite", "质量", "品质", "品質", "품질",
)  # fmt: skip
_QUALITIES = (
    " ".join(
        f"{before}{noun}{behind}"
        for noun in _QUALITY_NOUNS
        for before in ("", "data", "tag", "value", "sample", "signal")
        for behind in (
            "",
            "code",
            "codes",
            "scode",
            "flag",
            "flags",
            "status",
            "text",
            "field",
            "description",
            "码",
            "コード",
        )
    )
    + " codequalité codequalite codigodecalidad códigodecalidad codicequalità kodjakości кодкачества"
)
"""Words for quality: a noun of some language, alone or with a word for code or status."""

_WORDS: dict[Role, tuple[str, ...]] = {
    "tag": (
        "tag tags tagname tagid shortid tagindex tagpath fullpath varname variable variablename variablenname variabile"
        " point pointname pointid item itemname itemid nodeid node browsename signal signalname channel channelname"
        " sensor sensorname sensorid messstelle messstellenname messpunkt kanal kks akz kennzeichen datenpunkt"
        " nomdelavariable repère repere étiquette etiquette etiqueta nomevariabile datapoint datapointname"
        " datasource valuename path displayname dataitemid entityid metric namepathreference itemreference"
        " fqn statisticid dpe dpname dpename datapointelement"
        " tagnaam variabele variabelenaam meetpunt nomvariable nomdutag nomdupoint nombredevariable nombrevariable"
        " nombretag nometag variável nomedavariável zmienna nazwazmiennej nazwatagu nazwasygnału variabel signalnamn"
        " 变量 变量名 变量名称 标签 标签名 标签名称 位号 测点 测点名 测点名称 点位 点位名称 点名 信号名 信号名称"
        " タグ タグ名 タグ名称 変数名 測定点 тег имятега тэг переменная имяпеременной сигнал 태그 태그명 변수 변수명",
        "name parameter id n series alias propertyalias propertyid externalid naam nazwa namn название параметр"
        " seriesname field measurement attribute object register registeraddress address"
        " registernumber regaddress reg offset addr topic dp"
        " bezeichnung symbol identifier nom nombre nome valueid numericid sourcename 名称 名前 имя",
    ),
    "value": (
        "value val v vvalue varvalue realvalue rawvalue rohwert wert messwert istwert tagvalue itemvalue doublevalue"
        " floatvalue numericvalue objectvalue pointvalue processvalue samplevalue headervalue valor valore valeur"
        " valuefloat valuedouble valuereal valuenumeric valuenumber"
        " waarde värde valeurmesurée valormedido meetwaarde mätvärde wartość wartośćzmierzona verdi værdi arvo hodnota"
        " érték değer"
        " 值 数值 测量值 测点值 采样值 实时值 当前值 値 測定値 計測値 значение 값 측정값",
        "pv data reading sample result payload",
    ),
    "other value": (
        "intvalue stringvalue textvalue strvalue vstring svalue varstring boolvalue integervalue booleanvalue"
        " digitalvalue discretevalue longvalue datevalue valueint valueinteger valuelong valuestring valuestr valuetext"
        " valuebool valueboolean valuedate",
    ),
    "time": (
        "sourcetimestamp sourcetime",
        "timestamp time datetime dateandtime timestring timestr timeint ts tstamp eventtime utctime"
        " localtime zeit zeitstempel zeitpunkt datumzeit datumuhrzeit datumundzeit datumunduhrzeit sampletime"
        " timestamputc utctimestamp timeutc datetimeutc recordedat itemtimestamp recordtime horodatage horodate"
        " dateheure dateetheure fechayhora fechahora marcadetiempo dataora dataeora wwdatetime localtimestamp"
        " timestamplocal timestampms timestampseconds phenomenontime observedat epoch epochms unixtime acquisitiontime"
        " timestamps"
        " ticks filetime tijd tijdstip datumentijd tijdstempel tidpunkt tidsstempel tidstämpel datahora dataehora"
        " carimbodetempo czas dataiczas datagodzina znacznikczasu aikaleima časovérazítko tarihsaat"
        " 时间 时间戳 日期时间 采样时间 采集时间 记录时间 日時 時刻 記録日時 測定日時"
        " время датаивремя датавремя меткавремени"
        " 시간 일시 시각 t",
        "date datum fecha 日期 дата data",
        "servertime servertimestamp startdatetime timems clock start starttime intervalstart periodstart beginn debut",
    ),
    "clock": ("time uhrzeit hora heure ora clock timeofday tijd zeit godzina klockslag 时间 時刻 время 시간",),
    "milliseconds": (
        "millitm millis milliseconds millisecond millisec ms msec millisekunden millisecondes ns nanos nanoseconds"
        " timestampnanooffset nanooffset 毫秒",
    ),
    "quality": (
        "opcquality qualitydetail qualitycode statuscode opcuastatus dataintegrity itemquality opcuastatuscode",
        "q reliability intquality iquality qualitydescriptor valuestatus samplestatus tagstatus datastatus güte guete"
        " qc достоверность 质量戳 有效 " + _QUALITIES,
        "validity gültigkeit gueltigkeit validité validite validez valid isvalid good isgood ok isok"
        " invalid isinvalid isbad bad confidence qualitystring 有效性",
        "status pointstatus statusflags flags state severity zustand état etat estado stato 状态 状態 상태 статус",
    ),
    "unit": ("unit units uom engunits engineeringunits einheit unité unite unidad unità unitsabbreviation 单位",),
}
_TIERS: dict[Role, dict[str, int]] = {
    role: {word: tier for tier, words in enumerate(tiers) for word in words.split()} for role, tiers in _WORDS.items()
}
_PLAIN_TIERS: dict[Role, dict[str, int]] = {
    role: {_without_accents(word): tier for word, tier in reversed(words.items())} for role, words in _TIERS.items()
}
STATES_TIER = 3
"""The tier of headings such as "status" and "state", which need not be about quality."""
_PART_OF_CODE = re.compile(r"\.(code|symbol)$", re.I)
_QUALIFIER = re.compile(r"\s*[\[(][^\[\]()]*[\])]\s*$")


def squashed(heading: str) -> str:
    """Returns a heading's letters and digits in lower case, without what stands in brackets at its end."""
    bare = _QUALIFIER.sub("", heading.strip()) or heading
    return re.sub(r"[\W_]+", "", bare.lower())


def tier(heading: str, role: Role) -> int | None:
    """Returns how far down the role's list a heading stands, from 0; None when it does not name the role."""
    words = _TIERS[role]
    word = squashed(heading)
    return words[word] if word in words else _PLAIN_TIERS[role].get(_without_accents(word))


def tier_of_path(path: str, role: Role) -> int | None:
    """Returns the tier of a heading that may be a path to a part of an object ("Value.SourceTimestamp")."""
    found = tier(path, role)
    if found is None and "." in path:
        owner, _, part = _PART_OF_CODE.sub("", path).rpartition(".")
        quality = tier(owner.rsplit(".", 1)[-1], "quality")
        if quality is not None and quality < STATES_TIER and names_role(part, "value"):
            # The value of a status code is a quality.
            return quality if role == "quality" else None
        found = tier(part, role)
    return found


def names_role(heading: str, role: Role) -> bool:
    """Returns whether a heading names a role."""
    return tier(heading, role) is not None


def candidates(headings: Sequence[str], role: Role) -> list[str]:
    """Returns the headings that name a role, the most telling first, else in order."""
    # Of two clocks the one in UTC is surely right.
    found = [
        (t, role == "time" and "utc" not in h.lower(), i, h)
        for i, h in enumerate(headings)
        if (t := tier_of_path(h, role)) is not None
    ]
    return [h for *_, h in sorted(found)]
