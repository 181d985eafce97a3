"""Rollout evaluation: who of all users gets which value. Pure: no trio, no sockets, no logging."""
