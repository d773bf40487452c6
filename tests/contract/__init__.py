"""The contract of a connector: checks that look at one folder and return what they find wrong, in sentences."""
