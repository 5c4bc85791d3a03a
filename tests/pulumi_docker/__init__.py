"""The docker target under the real Pulumi engine and its plugin for Docker, where a machine has them."""
