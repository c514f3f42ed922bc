"""The tiers: each finds a target in one representation of the page, or abstains. Only the supervisor calls them."""
