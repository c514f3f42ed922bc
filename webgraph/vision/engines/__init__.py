"""The providers themselves. Imported by the child process alone; each loads its library when it is made."""
