"""A company that sells on five channels from one stock, with its back office, its buyers, and whatever goes wrong between them."""

from entrepot.sandbox.selling.scenario import SYSTEMS, Options, Stage, stage

__all__ = ["SYSTEMS", "Options", "Stage", "stage"]
