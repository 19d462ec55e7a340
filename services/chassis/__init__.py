"""How every service starts, authenticates, reports, fails and stops. Nothing here knows what the services are about."""
