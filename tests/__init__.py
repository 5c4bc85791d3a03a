"""What holds the project to its word: unit, contract, integration and end_to_end tests."""
