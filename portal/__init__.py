"""Debtor self-service payment portal."""

__version__ = "0.1.0"
