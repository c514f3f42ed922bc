"""Tests of imported recordings."""
