"""Measurements: each module prints one JSON object on its last line and exits 0 whenever it measured."""
