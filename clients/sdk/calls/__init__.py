"""One module a service: its operations as typed methods. `clients.sdk.client.SensorForge` has them all."""
