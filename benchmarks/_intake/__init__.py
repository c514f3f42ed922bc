"""How quick the intake is: what `benchmarks.intake` is made of."""
