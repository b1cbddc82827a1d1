"""The fixtures that an installed package brings along."""

import warnings

import pulumi_aws as aws

with warnings.catch_warnings():
    # The SDK loads a service's module at its first use and warns of its own old names then.
    warnings.simplefilter("ignore", DeprecationWarning)
    _LOADED = aws.lambda_.Function

from automation.testing.plugin import (  # noqa: F401 pytest finds them here
    deploy_program,
    embedded_aws,
    embedded_aws_accounts,
)
