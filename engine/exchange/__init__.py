"""The simulated OKX v5: REST and websocket on one loopback port, for BTC-USDT-SWAP."""
