"""What staff read of leaves that need no more than their own values: a title and a sentence."""

from portal.domain import N_

PLAIN: dict[str, tuple[str, ...]] = {
    "account.recalled": (N_("Taken back by the client"), ""),
    "arrangement.withdrawn": (N_("Agreement taken back before a payment"), ""),
    "automatic.stopped": (N_("Automatic payments stopped"), ""),
    "client.branding_changed": (N_("Branding changed"), ""),
    "client.compliance_mailbox_changed": (N_("Compliance mailbox changed"), ""),
    "client.frozen": (N_("Agreements stopped"), ""),
    "client.unfrozen": (N_("Agreements taken again"), ""),
    "debtor.language": (N_("Language changed"), ""),
    "erasure.skipped": (N_("Record not erased"), ""),
    "esign.asked": (N_("Asked for a test of copies by email"), ""),
    "esign.consented": (N_("Wants required copies by email only"), ""),
    "esign.withdrawn": (N_("Wants required copies on paper again"), ""),
    "french.delivered": (N_("French version shown first"), ""),
    "identity.unlocked": (
        N_("Let them try again at the identity check"),
        N_("Reason: %(reason)s"),
        "reason",
    ),
    "help.answered": (N_("Help request answered"), ""),
    "help.reopened": (N_("Help request opened again"), ""),
    "help.withdrawn": (N_("Help request taken back"), ""),
    "language.wished": (N_("Asked for an agreement in another language"), ""),
    "notice.closing": (N_("Closing notice written"), ""),
    "policy.approved": (N_("Draft of offer limits approved"), ""),
    "policy.draft_discarded": (N_("Draft of offer limits discarded"), ""),
    "policy.draft_put_back": (N_("Draft of offer limits put back"), ""),
    "policy.draft_saved": (N_("Draft of offer limits saved"), ""),
    "policy.rehearsal_asked": (N_("Rehearsal of offer limits asked for"), ""),
    "policy.rehearsal_interrupted": (N_("Rehearsal of offer limits was cut off"), ""),
    "policy.sent_back": (N_("Draft of offer limits sent back"), ""),
    "terms.reviewed": (N_("Looked at the exact terms"), ""),
    "campaign.drawn_up": (N_("Campaign drawn up"), N_("%(name)s"), "name"),
    "campaign.dropped": (
        N_("Messages of a stopped campaign dropped"),
        N_("%(left)s messages that had not left."),
        "left",
    ),
    "campaign.finished": (
        N_("Campaign done"),
        N_("%(goes)s links, %(held_back)s people held back."),
        *("goes", "held_back"),
    ),
    "campaign.interrupted": (N_("Sending links was cut off"), ""),
    "campaign.paused": (N_("Campaign paused"), ""),
    "campaign.reminded": (N_("Reminders written"), N_("%(goes)s messages."), "goes"),
    "campaign.resumed": (N_("Campaign goes on"), ""),
    "campaign.scheduled": (N_("Campaign scheduled"), ""),
    "campaign.sent": (
        N_("Links sent"),
        N_("%(goes)s links, of these %(later)s at their hour."),
        *("goes", "later"),
    ),
    "campaign.stopped": (
        N_("Campaign stopped"),
        N_("%(left)s messages that had not left."),
        "left",
    ),
}
"""For each type of leaf its title, the sentence that says the rest of it, and what fills that."""
