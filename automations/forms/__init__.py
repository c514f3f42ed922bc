"""Forms that people fill in: params made from a version's schema, and schedules."""
