"""Who runs the Pulumi program."""
