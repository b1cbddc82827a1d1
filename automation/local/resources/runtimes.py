"""What functions and layers share: the runtimes and architectures that Lambda has."""

from typing import Final

# The runtimes that Lambda creates functions for; deprecated ones are left out, as Lambda refuses
# them: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
RUNTIMES: Final = (
    *("dotnet8", "dotnet10", "java11", "java17", "java21", "java25", "java8.al2"),
    *("nodejs20.x", "nodejs22.x", "nodejs24.x", "provided.al2", "provided.al2023"),
    *("python3.10", "python3.11", "python3.12", "python3.13", "python3.14"),
    *("ruby3.2", "ruby3.3", "ruby3.4"),
)
ARCHITECTURES: Final = ("x86_64", "arm64")
