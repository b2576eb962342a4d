"""Layer 1: what each signal says, that it never looks ahead, and how it compares with smart-money-concepts."""
