"""What is deployed, declared in Pulumi: topology, components, targets, engines."""
