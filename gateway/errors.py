"""What can go wrong that an operator can mend: each error's message names the thing and the rule.

BanyanError
├── StackNotFound      a setting names no app that can be imported
├── StackStartFailed   an app's lifespan failed
├── PlanRefused        a plan is wrong; nothing changed
├── NoInventory        nobody told which routes there are
└── NoControlPlane     nobody answers where the control plane should be
"""


class BanyanError(Exception):
    """Ends a command with its message and `exit_code`: 1 refused or not found, 2 settings."""

    exit_code = 1
