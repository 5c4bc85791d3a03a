"""The services against their own OpenAPI documents: Schemathesis invents the requests and judges the answers."""
