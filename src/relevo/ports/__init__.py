"""What the loop and serving need from outside: small protocols. Adapters implement them."""
