"""The demo: a portal with real-looking clients, accounts and people, on one machine."""
