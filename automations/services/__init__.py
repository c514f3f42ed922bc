"""What can be done about automations, schedules and credentials, one verb a function."""
