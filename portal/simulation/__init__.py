"""A simulated year: people act on the real pages, jobs run, Stripe's stand-in follows the clock."""
