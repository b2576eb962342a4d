"""Four layers of signals that turn market data into intents."""
