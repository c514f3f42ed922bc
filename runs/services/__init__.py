"""What can be done about runs, one verb a function. Entry points call these; only these call `runs.lifecycle`."""
