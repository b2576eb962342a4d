"""The veto: one class a rule, the gate, the trading state."""
