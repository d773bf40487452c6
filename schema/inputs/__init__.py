"""What clients may say: input types of mutations, a module per noun."""
