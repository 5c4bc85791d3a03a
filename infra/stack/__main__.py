"""Mini-SPIRE as a Pulumi stack: deploys what the stack's configuration says, under the stack's name."""

from __future__ import annotations

import pulumi
from pulumi.runtime.config import CONFIG
from pulumi.runtime.settings import SETTINGS

from infra.composition import program_of
from infra.errors import InfraError
from infra.home import StateRoot
from infra.settings import Settings
from infra.stack.configuration import read

try:
    prefix = f"{pulumi.get_project()}:"
    values = {key.removeprefix(prefix): value for key, value in CONFIG.get().items() if key.startswith(prefix)}
    stack = read(values, parallel=SETTINGS.parallel)
    root = StateRoot(Settings().state_dir)
    home = root.home(pulumi.get_stack())
    if not pulumi.runtime.is_dry_run():
        root.make()
        home.make()
    deployment = program_of(stack.target, home, stack.topology, pulumi.log.info)()
except InfraError as error:
    raise pulumi.RunError(str(error)) from None
endpoints = pulumi.Output.unsecret(deployment["endpoints"])  # which they are only beside the credentials
pulumi.export("gateway_url", endpoints["gateway_url"])
pulumi.export("management_url", endpoints["management_url"])
pulumi.export("credentials", pulumi.Output.secret(deployment["credentials"]))
