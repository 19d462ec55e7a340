"""Roles by name in every language of the lexicon, from bare tag lists: what a column is before the question which
sensor it is."""

from __future__ import annotations

import polars as pl
import pytest

from services.machines.profile import MachineProfile, Sensor
from services.mapping.columns import ColumnInfo, describe_columns
from services.mapping.lexicon_files import default_lexicon
from services.mapping.roles import guess_role
from services.mapping.suggest import suggest

_HEADERS = {
    "timestamp": {
        "de": ["Zeitstempel", "Datum", "Uhrzeit", "Datum/Uhrzeit", "Messzeit", "Zeitpunkt"],
        "fr": ["Horodatage", "Heure", "Date et heure", "Date_Heure"],
        "es": ["Fecha", "Hora", "Fecha y hora", "Marca de tiempo"],
        "it": ["Data", "Ora", "Data e ora", "Orario"],
        "pt": ["Data", "Hora", "Data/Hora", "DataHora"],
        "zh": ["时间", "日期", "时间戳", "采集时间"],
    },
    "run": {
        "de": ["Lauf Nr", "Lauf-Nr.", "LaufNr", "Lauf", "Versuch Nr", "Maschinennummer", "Anlagen-ID", "Charge"],
        "fr": ["N° de lot", "Numéro d'essai", "Machine ID", "Identifiant machine", "Essai"],
        "es": ["Número de lote", "ID máquina", "Nº ensayo", "Corrida", "Código equipo"],
        "it": ["Numero lotto", "ID macchina", "N. prova", "Matricola macchina", "Lotto"],
        "pt": ["Número do lote", "ID da máquina", "Nº ensaio", "Código equipamento", "Lote"],
        "zh": ["机组编号", "设备编号", "批次号", "试验编号", "批次"],
    },
    "rul": {
        "de": ["Restlebensdauer", "Restnutzungsdauer", "verbleibende Lebensdauer"],
        "fr": ["Durée de vie restante", "vie_residuelle", "Durée de vie résiduelle"],
        "es": ["Vida útil restante", "vida_remanente"],
        "it": ["Vita residua", "Vita utile residua"],
        "pt": ["Vida útil remanescente", "vida_restante"],
        "zh": ["剩余寿命", "剩余使用寿命"],
    },
    "label": {
        "de": ["Fehler", "Klasse", "Ausfall", "Fehlerart"],
        "fr": ["Étiquette", "Panne", "Classe", "Défaut"],
        "es": ["Etiqueta", "Falla", "Clase", "Anomalía"],
        "it": ["Etichetta", "Guasto", "Anomalia"],
        "pt": ["Rótulo", "Falha", "Anomalia"],
        "zh": ["标签", "故障类型", "是否故障", "异常"],
    },
    "state": {
        "de": ["Betriebszustand", "Betriebsart", "Modus"],
        "fr": ["État", "Mode de marche"],
        "es": ["Estado", "Modo"],
        "it": ["Stato", "Modalità"],
        "pt": ["Estado", "Modo"],
        "zh": ["状态", "运行状态", "模式"],
    },
    "setpoint": {
        "de": ["Sollwert Temperatur", "Solltemperatur", "Temperatur Soll"],
        "fr": ["Consigne température", "Température de consigne"],
        "es": ["Consigna de temperatura", "Temperatura de consigna"],
        "it": ["Setpoint temperatura", "Temperatura impostata"],
        "pt": ["Temperatura de ajuste", "Setpoint de temperatura"],
        "zh": ["设定温度", "温度设定值"],
    },
    "index": {
        "de": ["Zeile", "Zeilennummer", "lfd. Nr.", "Laufende Nummer", "Satznummer", "Zyklus"],
        "fr": ["Ligne", "Numéro de ligne", "Indice"],
        "es": ["Índice", "Fila", "Número de fila", "Ciclo"],
        "it": ["Indice", "Riga", "Numero riga"],
        "pt": ["Índice", "Linha", "Número da linha"],
        "zh": ["序号", "索引", "循环次数"],
    },
}


@pytest.mark.parametrize(
    ("role", "header"),
    [
        (role, header)
        for role, languages in _HEADERS.items()
        for headers in languages.values()
        for header in dict.fromkeys(headers)
    ],
)
def test_a_role_is_known_by_its_name_in_every_language(role: str, header: str) -> None:
    assert guess_role(ColumnInfo(header), default_lexicon()).role == role


@pytest.mark.parametrize(
    "header",
    [
        *("Einspritzzeit", "Zeit Einspritzung", "Laufzeit", "Temps de cycle", "Tiempo de ciclo", "Tempo di ciclo"),
        *("Durée d'injection", "加载时间", "Motorstrom", "Tension ligne", "Bomba presión", "Vita utensile"),
    ],
)
def test_a_duration_or_a_measured_value_is_no_role(header: str) -> None:
    assert guess_role(ColumnInfo(header), default_lexicon()).is_measured


def test_a_numbered_run_column_is_not_left_out_as_an_index() -> None:
    profile = MachineProfile("pump", (Sensor("motor_current_A", "A"), Sensor("speed_rpm", "rpm")))
    columns = [ColumnInfo(name) for name in ("Datum", "Lauf Nr", "Motorstrom", "Drehzahl")]
    roles = {suggestion.column: suggestion.role for suggestion in suggest(columns, profile).suggestions}
    assert roles == {"Datum": "timestamp", "Lauf Nr": "run", "Motorstrom": "sensor", "Drehzahl": "sensor"}


def test_a_time_column_with_a_few_unreadable_values_is_still_the_time() -> None:
    times = [f"2024-02-20 06:{minute:02d}:00" for minute in range(60)]
    table = pl.DataFrame({"Time": ["bad time", *times[1:]], "Comment": ["note"] * 60})
    time, comment = describe_columns(table, {})
    assert guess_role(time, default_lexicon()).role == "timestamp"
    assert guess_role(comment, default_lexicon()).role != "timestamp"
