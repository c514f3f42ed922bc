"""Tests of the proxy in front of every browser, without a browser."""
