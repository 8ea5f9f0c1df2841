"""Who appears in the demo: three clients with their policies, and staff of every role."""

from dataclasses import dataclass
from pathlib import Path

from portal.domain.debts import CollectorRole
from portal.domain.identity import Factor
from portal.domain.policy import Band, Concessions, PlanLimits, Policy, ProposalLimits, Tier
from portal.domain.schedules import Frequency
from portal.services.clients import NewClient

FILES = Path(__file__).parent / "placements"


@dataclass(frozen=True, slots=True)
class Part:
    """One client of the demo: who it is, its policy, and the files that it places."""

    client: NewClient
    policy: Policy
    files: tuple[str, ...]


NORTHGATE = Part(
    NewClient(
        slug="northgate-energy",
        legal_name="Northgate Energy Corporation",
        trade_name="Northgate Energy",
        sender_name="Northgate Services",
        street_address="1200 Harbor Way, Portland, OR 97209",
        phone="1-800-555-0100",
        phone_hours={
            "en": "Monday to Friday, 8 AM to 8 PM, Pacific time",
            "es": "De lunes a viernes, de 8 a. m. a 8 p. m., hora del Pacífico",
            "fr": "Du lundi au vendredi, de 8 h à 20 h, heure du Pacifique",
        },
        email="hello@northgate.example",
        country="US",
        currency="USD",
        time_zone="America/Los_Angeles",
        collector_role=CollectorRole.FIRST_PARTY_CREDITOR,
        languages=("en", "es", "fr"),
        brand_color="#7a1fa2",
        identity_factors=(Factor.DATE_OF_BIRTH, Factor.POSTAL_CODE),
        sms_enabled=True,
        sms_registration="demo",
        placement_defaults={"debt_purpose": "consumer"},
    ),
    Policy(
        version=1,
        currency="USD",
        bands=(
            Band(to_balance_cents=100_00),
            Band(
                from_balance_cents=100_00,
                to_balance_cents=150_00,
                tiers=(Tier(pay_cents=100_00),),
            ),
            Band(from_balance_cents=150_00, to_days=365, tiers=(Tier(9_000),)),
            Band(
                from_balance_cents=150_00,
                from_days=365,
                tiers=(
                    Tier(7_000, valid_for_days=45),
                    Tier(8_000, max_parts=3, valid_for_days=45),
                ),
            ),
        ),
        plan=PlanLimits(
            minimum_installment_cents=25_00,
            maximum_months=24,
            frequencies=tuple(Frequency),
            first_payment_within_days=45,
        ),
        concessions=Concessions(skips=1, moves=2, pauses=1),
        agree=ProposalLimits(6_500, 20_00, 30),
        review=ProposalLimits(4_500, 10_00, 60),
        answer_working_days=3,
    ),
    ("northgate-energy.csv", "scenarios-northgate-energy.csv"),
)

HARBOR = Part(
    NewClient(
        slug="harbor-recovery",
        legal_name="Harbor Recovery Group LLC",
        trade_name="Harbor Recovery",
        sender_name="Harbor Services",
        street_address="88 Commerce Street, Suite 400, Albany, NY 12207",
        phone="1-800-555-0140",
        phone_hours={
            "en": "Monday to Saturday, 8 AM to 6 PM, Eastern time",
            "es": "De lunes a sábado, de 8 a. m. a 6 p. m., hora del Este",
            "fr": "Du lundi au samedi, de 8 h à 18 h, heure de l’Est",
        },
        email="help@harbor.example",
        license_line="California license 10123-99 · New York City license 2098765-DCA",
        country="US",
        currency="USD",
        time_zone="America/New_York",
        collector_role=CollectorRole.THIRD_PARTY_AGENCY,
        languages=("en", "es", "fr"),
        brand_color="#0b6e4f",
        link_days=21,
        identity_factors=(Factor.DATE_OF_BIRTH, Factor.LAST_FOUR, Factor.POSTAL_CODE),
        sms_enabled=False,
        placement_defaults={
            "debt_purpose": "consumer",
            "default_at_placement": True,
            "permission_basis": "direct_consent",
        },
    ),
    Policy(
        version=1,
        currency="USD",
        bands=(
            Band(to_balance_cents=1_000_00, tiers=(Tier(8_000),)),
            Band(
                from_balance_cents=1_000_00,
                to_balance_cents=1_250_00,
                tiers=(
                    Tier(pay_cents=800_00, valid_for_days=45),
                    Tier(pay_cents=900_00, max_parts=4, valid_for_days=45),
                ),
            ),
            Band(
                from_balance_cents=1_250_00,
                to_balance_cents=5_000_00,
                tiers=(
                    Tier(6_600, valid_for_days=45),
                    Tier(7_500, max_parts=4, valid_for_days=45),
                ),
            ),
            Band(
                from_balance_cents=5_000_00,
                to_balance_cents=6_000_00,
                tiers=(
                    Tier(pay_cents=3_300_00, valid_for_days=60),
                    Tier(pay_cents=3_900_00, max_parts=6, valid_for_days=60),
                ),
                agree_settlement_bps=5_500,
            ),
            Band(
                from_balance_cents=6_000_00,
                tiers=(
                    Tier(5_500, valid_for_days=60),
                    Tier(6_500, max_parts=6, valid_for_days=60),
                ),
                agree_settlement_bps=5_500,
            ),
        ),
        plan=PlanLimits(
            minimum_installment_cents=40_00,
            maximum_months=36,
            frequencies=tuple(Frequency),
            first_payment_within_days=30,
        ),
        concessions=Concessions(skips=1, moves=2),
        agree=ProposalLimits(6_000, 30_00, 42),
        review=ProposalLimits(3_500, 15_00, 72),
        answer_working_days=5,
    ),
    ("harbor-recovery.csv", "scenarios-harbor-recovery.csv"),
)

BOREAL = Part(
    NewClient(
        slug="boreal-credit",
        legal_name="Boreal Credit Inc. / Crédit Boréal inc.",
        trade_name="Boreal Credit",
        sender_name="Boreal",
        street_address="1000 rue Sherbrooke Ouest, Montréal, QC H3A 3G4",
        phone="1-888-555-0160",
        phone_hours={
            "en": "Monday to Friday, 9 AM to 5 PM, Eastern time",
            "es": "De lunes a viernes, de 9 a. m. a 5 p. m., hora del Este",
            "fr": "Du lundi au vendredi, de 9 h à 17 h, heure de l’Est",
        },
        email="aide@boreal.example",
        country="CA",
        currency="CAD",
        time_zone="America/Toronto",
        collector_role=CollectorRole.FIRST_PARTY_CREDITOR,
        languages=("en", "fr"),
        brand_color="#ffc400",
        identity_factors=(Factor.DATE_OF_BIRTH, Factor.POSTAL_CODE),
        sms_enabled=True,
        sms_registration="demo",
        placement_defaults={"debt_purpose": "consumer"},
    ),
    Policy(
        version=1,
        currency="CAD",
        bands=(Band(tiers=(Tier(8_500), Tier(9_000, max_parts=3))),),
        plan=PlanLimits(
            minimum_installment_cents=30_00,
            maximum_months=24,
            frequencies=(Frequency.EVERY_TWO_WEEKS, Frequency.MONTHLY),
            first_payment_within_days=30,
        ),
        concessions=Concessions(skips=2, moves=3, pauses=1),
        agree=ProposalLimits(8_000, 25_00, 30),
        review=ProposalLimits(6_000, 15_00, 48),
        answer_working_days=3,
    ),
    ("boreal-credit.csv", "scenarios-boreal-credit.csv"),
)

PARTS = (NORTHGATE, HARBOR, BOREAL)
