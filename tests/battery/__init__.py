"""The battery of money: what must hold whatever crashes, gets lost, comes twice or comes late."""
