"""For the tests that make the component's arguments."""

import warnings

import pulumi_aws as aws

with warnings.catch_warnings():
    # The SDK loads a service's module at its first use and warns of its own old names then.
    warnings.simplefilter("ignore", DeprecationWarning)
    _LOADED = aws.lambda_.Function
