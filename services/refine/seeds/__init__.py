"""Physics-based seed rows: whole machine lives made from a profile alone, before any real data exists."""
