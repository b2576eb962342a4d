"""The only one that talks to the venue: market data, the risk veto, execution."""
