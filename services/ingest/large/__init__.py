"""Files that are never held at once: read, pivoted and typed block by block."""
