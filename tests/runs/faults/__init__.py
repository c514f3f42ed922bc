"""Faults on the whole system: a real node, a real browser, the practice site, and whatever breaks."""
