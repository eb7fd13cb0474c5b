"""The one exception that a user is meant to see."""


class UserError(Exception):
    """A caller's mistake, in one clear line; the command line prints it and exits with status 2."""
