"""Logs of Modbus registers, turned into values by a register map."""
