"""What can go wrong that an operator can mend: each error's message names the thing and the rule.

BanyanError
├── StackNotFound      a setting names no app that can be imported
├── StackStartFailed   an app's lifespan failed
├── PlanRefused        a plan is wrong; nothing changed
├── NoInventory        nobody told which routes there are
├── NoPlan             there is no plan yet
├── NoSuchRule         no rule of the plan names this route
├── StoreUnavailable   the store cannot be reached, read or written right now
├── UnusableStore      the settings name a store that cannot be used
├── VersionConflict    somebody was faster
├── NoSuchVersion      the store has no such version
├── TokenRefused       a token cannot be made so
├── BindRefused        the control plane must not listen there
├── Refused            the control plane refused what a command asked
├── OtherVersion       a control plane of another version answers what this one cannot read
└── NoControlPlane     nobody answers where the control plane should be
"""


class BanyanError(Exception):
    """Ends a command with its message and `exit_code`: 1 refused or not found, 2 settings."""

    exit_code = 1
