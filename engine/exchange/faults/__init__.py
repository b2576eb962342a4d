"""The fault switchboard: what goes wrong with OKX in practice, armed on purpose. Seeded, and sans-I/O.

A fault bends what a client is told, when, or what the outside flow does; it never touches the books by itself:
every fill it causes is booked like any other.
"""
