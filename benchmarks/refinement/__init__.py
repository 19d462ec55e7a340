"""The parts of `benchmarks.refine`: tables, metrics, opponents, goals."""
