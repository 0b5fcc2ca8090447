"""The arithmetic of the audit trail: encoding, hash chain, signed checkpoints. Knows no Django."""
