"""How the store's tables came to be what they are. CONTRIBUTING says how one is added."""
