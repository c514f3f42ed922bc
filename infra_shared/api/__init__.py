"""What every app's endpoints share: the key check, problem answers, pages and safe input. Knows no endpoint."""
