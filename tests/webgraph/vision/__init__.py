"""Tests of flow documents and imported recordings."""
