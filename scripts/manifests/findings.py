"""What is wrong, and with what."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong."""

    where: str
    text: str

    def __str__(self):
        return f"{self.where}: {self.text}"


def named(resource):
    """`Kind/name` of an object of Kubernetes."""
    return f"{resource.get('kind')}/{resource.get('metadata', {}).get('name')}"
