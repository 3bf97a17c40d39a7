"""The pages of the panel, one module per thing that people work with."""
