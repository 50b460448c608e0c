"""Configuration, processor, encoder, projectors, heads and the conditional-generation model."""
