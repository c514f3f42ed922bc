"""What can be done with sources, events, triggers and matches: one verb each."""
