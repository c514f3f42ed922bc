"""The browser's lifetime: which executable, how it is started, shared and recycled."""
