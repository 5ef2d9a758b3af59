"""Who may, and what happened: policy, requests, decisions, the ledger and the audit log.

Knows nothing of words, models or Slack.
"""
