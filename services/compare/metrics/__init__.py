"""What is measured between synthetic and real rows, one family of metrics a file, all listed in `registry.py`."""
