"""Asks both apps the same generated questions, and says where their answers differ."""
