"""What `benchmarks.memory` is made of."""
