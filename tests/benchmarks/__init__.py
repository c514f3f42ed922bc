"""The benchmarks that other proofs rest on: their plans, their counts, and their shortest forms."""
