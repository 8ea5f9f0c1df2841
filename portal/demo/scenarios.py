"""The demo's scenarios: which account shows what, in which language."""

import csv
from dataclasses import dataclass

from portal.demo.cast import FILES


@dataclass(frozen=True, slots=True)
class Scenario:
    """One debtor of the demo whose link and answers are printed.

    ``name`` is what the account shows; ``acts`` is what is done before the demo opens: nothing,
    ``expire`` the link, ``pay`` it all, ``propose`` below the limits, or agree to a ``plan``.
    """

    name: str
    client: str
    reference: str
    language: str = "en"
    acts: str = ""


SCENARIOS = (
    Scenario("settlement", "northgate-energy", "NG-70001"),
    Scenario("automatic plan", "northgate-energy", "NG-70002"),
    Scenario("later start", "northgate-energy", "NG-70003"),
    Scenario("manual plan", "northgate-energy", "NG-70004"),
    Scenario("several accounts", "northgate-energy", "NG-70005"),
    Scenario("dispute", "harbor-recovery", "HR-70001"),
    Scenario("expired link", "northgate-energy", "NG-70007", acts="expire"),
    Scenario("nothing owed", "northgate-energy", "NG-70008", acts="pay"),
    Scenario("fr-CA", "boreal-credit", "BC-70001", "fr"),
    Scenario("es", "northgate-energy", "NG-70009", "es"),
    Scenario("card declined", "northgate-energy", "NG-70010"),
    Scenario("proposal waiting", "harbor-recovery", "HR-70002", acts="propose"),
    Scenario("plan running", "harbor-recovery", "HR-70003", acts="plan"),
    Scenario("agency settlement", "harbor-recovery", "HR-70004", "es"),
    Scenario("pay in full", "boreal-credit", "BC-70002"),
)


def person_of(scenario: Scenario) -> dict[str, str]:
    """The row of the scenario's account in its placement file."""
    path = FILES / f"scenarios-{scenario.client}.csv"
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["account_number"] == scenario.reference:
                return row
    raise LookupError(f"{path.name} has no account {scenario.reference}")


def answers_of(scenario: Scenario) -> dict[str, str]:
    """What the scenario's debtor answers to prove who they are."""
    row = person_of(scenario)
    given = {
        "date_of_birth": row["date_of_birth"],
        "postal_code": row["postal_code"],
        "last_four": row["ssn_last4"],
    }
    return {factor: answer for factor, answer in given.items() if answer}
