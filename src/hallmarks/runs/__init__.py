"""Configuration → runs: what each is called, what decides it, and which code that is."""
