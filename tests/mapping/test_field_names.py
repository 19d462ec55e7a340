"""Names as they stand in plants, in seven languages and several standards, find their sensors."""

from __future__ import annotations

import pytest

from services.machines.profile import MachineProfile, Sensor
from services.mapping.columns import ColumnInfo
from services.mapping.suggest import suggest


def profile(*sensors: str) -> MachineProfile:
    return MachineProfile("m", tuple(Sensor(*sensor.split(":")) for sensor in sensors))


PUMP = profile(
    "suction_pressure_bar:bar",
    "discharge_pressure_bar:bar",
    "flow_m3_h:m³/h",
    "motor_current_A:A",
    "motor_power_kW:kW",
    "bearing_temp_de_C:°C",
    "bearing_temp_nde_C:°C",
    "vibration_de_mm_s:mm/s",
    "vibration_nde_mm_s:mm/s",
    "speed_rpm:rpm",
    "fluid_temp_C:°C",
    "casing_temp_C:°C",
)
PUMP_ORDER = ("suction_pressure_bar", "discharge_pressure_bar", "flow_m3_h", "motor_current_A", "speed_rpm")
WIND = profile(
    "wind_speed_m_s:m/s",
    "wind_direction_deg:°",
    "active_power_kW:kW",
    "reactive_power_kvar:kvar",
    "rotor_speed_rpm:rpm",
    "generator_speed_rpm:rpm",
    "gearbox_oil_temp_C:°C",
    "gearbox_bearing_temp_C:°C",
    "nacelle_temp_C:°C",
    "ambient_temp_C:°C",
    "pitch_angle_deg:°",
    "grid_frequency_Hz:Hz",
    "grid_voltage_V:V",
)
METER = profile(
    "voltage_l1_V:V",
    "voltage_l2_V:V",
    "voltage_l3_V:V",
    "current_l1_A:A",
    "current_l2_A:A",
    "current_l3_A:A",
    "active_power_kW:kW",
    "reactive_power_kvar:kvar",
    "apparent_power_kVA:kVA",
    "power_factor",
    "frequency_Hz:Hz",
)
CHILLER = profile(
    "chilled_water_supply_temp_C:°C",
    "chilled_water_return_temp_C:°C",
    "condenser_water_supply_temp_C:°C",
    "condenser_water_return_temp_C:°C",
    "chilled_water_flow_l_s:L/s",
    "evaporator_pressure_kPa:kPa",
    "condenser_pressure_kPa:kPa",
    "outdoor_air_temp_C:°C",
)


def found(names: list[str], machine: MachineProfile) -> list[str]:
    return [s.sensor for s in suggest([ColumnInfo(name) for name in names], machine).suggestions]


@pytest.mark.parametrize(
    "names",
    [
        ["P1_SUCT_PRESS", "P1_DISCH_PRESS", "FIT-201", "IT-201", "ST-201"],
        ["Saugdruck", "Druck Austritt", "Volumenstrom", "Motorstrom", "Drehzahl"],
        ["Pression aspiration", "Pression refoulement", "Débit", "Courant moteur", "Vitesse"],
        ["presión de succión", "presión de descarga", "caudal", "corriente motor", "velocidad"],
        ["pressione aspirazione", "pressione mandata", "portata", "corrente motore", "giri motore"],
        ["pressão de sucção", "pressão de descarga", "vazão", "corrente do motor", "rotação"],
        ["入口压力", "出口压力", "流量", "电机电流", "转速"],
    ],
)
def test_a_pump_is_read_in_every_language(names: list[str]) -> None:
    assert found(names, PUMP) == list(PUMP_ORDER)


def test_both_ends_of_a_pump_are_told_apart() -> None:
    names = ["Lagertemperatur AS", "Lagertemperatur BS", "VT_DE", "VT_NDE"]
    assert found(names, PUMP) == ["bearing_temp_de_C", "bearing_temp_nde_C", "vibration_de_mm_s", "vibration_nde_mm_s"]


def test_a_wind_turbine_is_read_by_iec_61400_25_names() -> None:
    names = [
        "WMET.HorWdSpd",
        "WMET.HorWdDir",
        "WROT.RotSpd",
        "WGEN.Spd",
        "WTRM.TrmTmpGbxOil",
        "WNAC.NacTmp",
        "WMET.EnvTmp",
    ]
    assert found(names, WIND) == [
        "wind_speed_m_s",
        "wind_direction_deg",
        "rotor_speed_rpm",
        "generator_speed_rpm",
        "gearbox_oil_temp_C",
        "nacelle_temp_C",
        "ambient_temp_C",
    ]


@pytest.mark.parametrize(
    "names",
    [
        [
            "Windgeschwindigkeit",
            "Wirkleistung",
            "Getriebeöltemperatur",
            "Gondeltemperatur",
            "Außentemperatur",
            "Netzfrequenz",
        ],
        ["风速", "有功功率", "齿轮箱油温", "机舱温度", "环境温度", "电网频率"],
        [
            "vitesse du vent",
            "puissance active",
            "température huile multiplicateur",
            "température nacelle",
            "température extérieure",
            "fréquence réseau",
        ],
    ],
)
def test_a_wind_turbine_is_read_in_other_languages(names: list[str]) -> None:
    sensors = ["wind_speed_m_s", "active_power_kW", "gearbox_oil_temp_C", "nacelle_temp_C", "ambient_temp_C"]
    assert found(names, WIND) == [*sensors, "grid_frequency_Hz"]


@pytest.mark.parametrize(
    "names",
    [
        ["Va", "Vb", "Vc", "Ia", "Ib", "Ic", "kW", "kVAR", "kVA", "PF", "Hz"],
        ["U1", "U2", "U3", "I1", "I2", "I3", "Ptot", "Qtot", "Stot", "cosphi", "f"],
        [
            "Spannung L1",
            "Spannung L2",
            "Spannung L3",
            "Strom L1",
            "Strom L2",
            "Strom L3",
            "Wirkleistung gesamt",
            "Blindleistung",
            "Scheinleistung",
            "Leistungsfaktor",
            "Netzfrequenz",
        ],
    ],
)
def test_three_phases_are_told_apart(names: list[str]) -> None:
    assert found(names, METER) == [sensor.name for sensor in METER.sensors]


def test_building_points_are_read() -> None:
    assert found(["CHWST", "CHWRT", "CWST", "CWRT", "CHW Flow", "Evap Press", "Cond Press", "OAT"], CHILLER) == [
        sensor.name for sensor in CHILLER.sensors
    ]


@pytest.mark.parametrize(
    ("names", "sensors"),
    [
        (  # KKS and RDS-PP
            ["10LBA10CT001", "10LBA10 CP001", "=G002 MDK10 CT001", "10MKA10CE001 XQ01"],
            ["main_steam_temp_C:°C", "main_steam_pressure_bar:bar", "gearbox_temp_C:°C", "generator_power_MW:MW"],
        ),
        (  # IEC 61400-25
            ["WGEN_SttTmp1", "WROT.BlPthAngVal", "WYAW.YwAng", "WTUR.W"],
            ["generator_stator_temp_C:°C", "blade_pitch_angle_deg:°", "yaw_angle_deg:°", "active_power_kW:kW"],
        ),
        (  # SunSpec
            ["AphA", "PhVphA", "PPVphAB", "DCW", "TmpCab"],
            [
                "ac_current_phase_a_A:A",
                "ac_voltage_phase_a_V:V",
                "ac_voltage_phase_ab_V:V",
                "dc_power_W:W",
                "cabinet_temp_C:°C",
            ],
        ),
        (  # transformers
            ["OTI", "WTI", "OLI", "VL1", "VL12", "IL3", "INUT"],
            [
                "oil_temp_C:°C",
                "winding_temp_C:°C",
                "oil_level_pct:%",
                "voltage_l1_V:V",
                "voltage_l1_l2_V:V",
                "current_l3_A:A",
                "neutral_current_A:A",
            ],
        ),
        (  # SAE J1939 and J1979
            ["EngCoolantTemp", "EngTurbo1Speed", "AccelPedalPos1", "ENGINE_RPM ()", "TIMING_ADVANCE ()"],
            [
                "coolant_temp_C:°C",
                "turbo_speed_rpm:rpm",
                "accelerator_pedal_pct:%",
                "engine_speed_rpm:rpm",
                "ignition_advance_deg:°",
            ],
        ),
        (  # ships
            ["L.O. INLET PRESS", "F.O. INLET PRESS", "H.T. WATER OUTLET TEMP", "T/C OUTLET EXH. GAS TEMP"],
            [
                "lube_oil_inlet_pressure_bar:bar",
                "fuel_oil_inlet_pressure_bar:bar",
                "ht_water_outlet_temp_C:°C",
                "turbocharger_outlet_exhaust_temp_C:°C",
            ],
        ),
        (  # heat pumps in German, with VL and RL
            ["VL Temp", "RL Temp", "Heissgastemperatur", "WQ Ein", "Überhitzung", "Verdichterfrequenz"],
            [
                "supply_temp_C:°C",
                "return_temp_C:°C",
                "hot_gas_temp_C:°C",
                "source_inlet_temp_C:°C",
                "superheat_K:K",
                "compressor_frequency_Hz:Hz",
            ],
        ),
        (  # symbols with indices, as in laboratories
            ["TEI", "TEO", "TCI", "FWE"],
            [
                "evaporator_water_inlet_temp_F:°F",
                "evaporator_water_outlet_temp_F:°F",
                "condenser_water_inlet_temp_F:°F",
                "evaporator_water_flow_gpm:gpm",
            ],
        ),
        (  # a code before what is measured
            ["SVo - Shot volume", "AHU: Mixed Air Temperature", "Generator - Average Winding Temp. [℃]"],
            ["shot_volume_cm3:cm3", "mixed_air_temp_C:°C", "generator_winding_temp_C:°C"],
        ),
    ],
)
def test_standards_and_vendors_are_read(names: list[str], sensors: list[str]) -> None:
    assert found(names, profile(*sensors)) == [sensor.split(":")[0] for sensor in sensors]


def test_how_long_something_takes_is_no_clock() -> None:
    machine = profile("fill_time_s:s", "cycle_time_s:s")
    proposal = suggest([ColumnInfo(name) for name in ("fill time", "ZUx - Cycle time", "Sample Time")], machine)
    assert [s.sensor for s in proposal.suggestions] == ["fill_time_s", "cycle_time_s", ""]
    assert proposal.suggestions[2].role == "timestamp"


def test_an_acronym_inside_a_word_is_no_word() -> None:
    machine = profile("hydrostatic_charge_pressure_bar:bar", "turbine_after_temp_C:°C")
    assert found(["Hydstat_Charge_Press"], machine) != ["turbine_after_temp_C"]
