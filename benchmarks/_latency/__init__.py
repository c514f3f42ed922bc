"""What `benchmarks.latency` is made of: the same work in both systems, stock django-q2's own settings, and the course."""
