"""What several test packages need: real parts to test against, and ways to wait for them."""
