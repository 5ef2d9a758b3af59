"""The vocabulary and the powers: typed actions, plans, the executor and the clients it uses.

Knows nothing of Slack, models or SQL.
"""
