"""The SDK loads a service's module at its first use and warns of its own old names then."""

import warnings

import pulumi_aws as aws

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    _LOADED = aws.lambda_.Function
