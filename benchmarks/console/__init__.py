"""The console, measured."""
