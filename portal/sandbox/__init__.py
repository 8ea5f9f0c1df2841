"""A stand-in for Stripe: the part of its HTTP API that the portal uses, with test money only.

The demo runs it as a server, the tests and the simulation in process. Nothing in the portal
imports it: it is reached over HTTP, or over the gateway's ``http`` argument.
"""
