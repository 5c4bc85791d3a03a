"""Registration day: many students, few seats, and the rules that must hold in every order of events."""
