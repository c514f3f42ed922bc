"""What an event is and which triggers it meets: pure functions of bytes, expressions and values."""
