"""Placements: accounts that a client hands over in a file, and takes back by a recall."""

from portal.services.placements.files import PlacementFile, inspect_file
from portal.services.placements.placing import PlacementReport, Watch, place_file
from portal.services.placements.recalling import RecallReport, listed, read_recall, recall
from portal.services.placements.rejects import RejectsFile

__all__ = [
    "PlacementFile",
    "PlacementReport",
    "RecallReport",
    "RejectsFile",
    "Watch",
    "inspect_file",
    "listed",
    "place_file",
    "read_recall",
    "recall",
]
