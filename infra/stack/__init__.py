"""The lab for Pulumi's own command line: the project, its program, and how the CLI runs both in the lab's interpreter."""
