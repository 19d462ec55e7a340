"""What a column's heading says it is in the exports of historians and loggers, in several languages.

Headings are compared by their letters and digits alone: `Tag_Name`, `TagName` and `tag name` are one word. Within a
role the words stand in tiers; a word of an earlier tier is believed before one of a later tier.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

Role = Literal["tag", "value", "other value", "time", "clock", "milliseconds", "quality", "unit"]

_WORDS: dict[Role, tuple[str, ...]] = {
    "tag": (
        "tag tags tagname tagid shortid tagindex tagpath fullpath varname variable variablename variablenname variabile"
        " point pointname pointid item itemname itemid nodeid node browsename signal signalname channel channelname"
        " sensor sensorname sensorid messstelle messstellenname messpunkt kanal kks akz kennzeichen datenpunkt"
        " nomdelavariable repère repere étiquette etiquette etiqueta nomevariabile datapoint datapointname"
        " datasource valuename path displayname metric namepathreference itemreference"
        " 变量 变量名 变量名称 标签 标签名 位号 测点 测点名 点名 タグ タグ名 тег переменная",
        "name parameter id n series seriesname field measurement attribute object register registeraddress address"
        " bezeichnung symbol identifier nom nombre nome valueid numericid sourcename 名称 名前 имя",
    ),
    "value": (
        "value val v vvalue varvalue realvalue wert messwert istwert tagvalue itemvalue doublevalue floatvalue"
        " numericvalue objectvalue pointvalue processvalue samplevalue headervalue valor valore valeur waarde värde"
        " wartość 值 数值 测量值 値 значение",
        "pv data reading sample result",
    ),
    "other value": ("intvalue stringvalue textvalue strvalue vstring svalue varstring boolvalue integervalue",),
    "time": (
        "sourcetimestamp sourcetime",
        "timestamp time datetime dateandtime timestring ts tstamp eventtime utctime"
        " localtime zeit zeitstempel zeitpunkt datumzeit datumuhrzeit datumundzeit datumunduhrzeit sampletime"
        " timestamputc utctimestamp timeutc datetimeutc recordedat itemtimestamp recordtime horodatage horodate"
        " dateheure dateetheure fechayhora fechahora marcadetiempo dataora dataeora wwdatetime localtimestamp"
        " timestamplocal timestampms epoch epochms unixtime acquisitiontime tijd tijdstip 时间 时间戳 日期时间 采样时间"
        " 日時 時刻 время датаивремя t",
        "date datum fecha 日期 дата data",
        "servertime servertimestamp startdatetime timems",
    ),
    "clock": ("time uhrzeit hora heure ora clock timeofday tijd zeit 时间 время",),
    "milliseconds": ("millitm millis milliseconds millisecond millisec ms msec millisekunden millisecondes 毫秒",),
    "quality": (
        "opcquality qualitydetail qualitycode statuscode opcuastatus dataintegrity itemquality opcuastatuscode",
        "quality dataquality q reliability tagquality intquality qualitystatus qualität qualitaet güte guete qualité"
        " qualite calidad qualità qualita qualidade kwaliteit 质量 品质 品質 качество qc",
        "validity gültigkeit gueltigkeit validité validite validez valid isvalid good isgood invalid isinvalid isbad"
        " bad confidence qualitystring 有效性",
        "status pointstatus state severity zustand état etat estado stato 状态 статус",
    ),
    "unit": ("unit units uom engunits engineeringunits einheit unité unite unidad unità unitsabbreviation 单位",),
}
_TIERS: dict[Role, dict[str, int]] = {
    role: {word: tier for tier, words in enumerate(tiers) for word in words.split()} for role, tiers in _WORDS.items()
}
_PART_OF_CODE = re.compile(r"\.(code|symbol)$", re.I)
_QUALIFIER = re.compile(r"\s*[\[(][^\[\]()]*[\])]\s*$")


def squashed(heading: str) -> str:
    """Returns a heading's letters and digits in lower case, without what stands in brackets at its end."""
    bare = _QUALIFIER.sub("", heading.strip()) or heading
    return re.sub(r"[\W_]+", "", bare.lower())


def tier(heading: str, role: Role) -> int | None:
    """Returns how far down the role's list a heading stands, from 0; None when it does not name the role."""
    return _TIERS[role].get(squashed(heading))


def tier_of_path(path: str, role: Role) -> int | None:
    """Returns the tier of a heading that may be a path to a part of an object ("Value.SourceTimestamp")."""
    found = tier(path, role)
    if found is None and "." in path:
        found = tier(_PART_OF_CODE.sub("", path).rsplit(".", 1)[-1], role)
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
