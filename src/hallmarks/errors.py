"""The exceptions that a command turns into a line and an exit status."""


class UserError(Exception):
    """A caller's mistake, in one clear line; the command line prints it and exits with status 2."""


class Interrupted(Exception):
    """The work was asked to stop; its state is saved and it can go on from there."""


class NothingYet(UserError):
    """There is no checkpoint where one was looked for; whoever follows a run waits for the first."""
