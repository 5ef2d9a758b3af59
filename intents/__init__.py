"""From words to typed readings: a grammar, a model behind a gateway, and the checks both must pass.

Has no powers: knows nothing of Slack, approvals or the cluster's credentials.
"""
