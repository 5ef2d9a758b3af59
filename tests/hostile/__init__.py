"""The long proofs: crashes, races, soaks, and every state explored."""
