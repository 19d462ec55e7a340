"""How many rows the stage makes at most, in one job. Spelled once, for servicers and operations alike."""

MOST_ROWS = 10_000_000  # what the house reads, cleans and trains on; more is a second job with another seed
