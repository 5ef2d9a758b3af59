"""The one place that plans, answers and executes actions. It holds the powers and decides nothing."""
