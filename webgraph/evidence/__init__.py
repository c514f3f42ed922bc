"""What an attempt saw: captured as it happens, redacted before it leaves, never a reason to fail."""
