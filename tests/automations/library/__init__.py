"""Tests of the automations that come with the system."""
