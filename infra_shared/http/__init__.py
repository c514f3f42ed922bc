"""Sending bytes over HTTP: the Range header, and streams that read off the event loop. Knows no Django."""
