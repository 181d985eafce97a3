"""Clients of the admin API: what fills an installation by way of HTTP, and what times it."""
