"""Model endpoints: how each is asked, what it may cost, and what never leaves for it. Nothing here trusts an answer."""
