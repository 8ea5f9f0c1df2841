"""Why there is no proof of an agreement to give, for pages that do not make one."""

from portal.domain import N_, DomainError


class NotOnRecord(DomainError):
    """There is no acceptance on the record to export."""

    message = N_("There is no record of agreement %(reference)s here.")


class TooManyExports(DomainError):
    """One debtor saved the file so often that something must be wrong."""

    message = N_("You saved this file several times just now. Please wait an hour.")


class RecordErased(DomainError):
    """The payload is gone, so nobody can say any more what it said."""

    message = N_("What this record said was erased, as the law allows.")
