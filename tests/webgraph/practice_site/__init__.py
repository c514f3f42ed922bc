"""Tests of the practice site."""

from __future__ import annotations
