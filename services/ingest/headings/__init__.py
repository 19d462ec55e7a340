"""The lines above a table: which name the columns, which hold units, and what the columns are called."""
