"""How long the rows of `automations` stay."""

from __future__ import annotations

from infra_shared.retention import Keep, Kept

KEPT = (
    Kept(model="automations.Customer", keep=Keep.BOUNDED, words="as many as people set up"),
    Kept(model="automations.Automation", keep=Keep.BOUNDED, words="as many as people write"),
    Kept(
        model="automations.AutomationVersion",
        keep=Keep.FOR_EVER,
        words="each run says which it was; a few for each change of an automation",
    ),
    Kept(model="automations.Credential", keep=Keep.BOUNDED, words="as many as people set up"),
    Kept(
        model="automations.CredentialUse",
        keep=Keep.RULE,
        words="AUDIT_DAYS; chore forget-credential-uses",
    ),
    Kept(
        model="automations.SpentCode",
        keep=Keep.RULE,
        words="until its code can be used no more; chore forget-spent-codes",
    ),
    Kept(
        model="automations.TargetFingerprint", keep=Keep.BOUNDED, words="one for each target of an automation"
    ),
    Kept(
        model="automations.HealProposal",
        keep=Keep.BOUNDED,
        words="one for each way a target was found; decided ones stay, so that nothing is proposed twice",
    ),
    Kept(
        model="automations.Schedule",
        keep=Keep.BOUNDED,
        words="as many as people set up; deleted ones own their planned times",
    ),
    Kept(
        model="automations.UploadedFile",
        keep=Keep.RULE,
        words="INPUT_FILE_DAYS after a request last named it; chore forget-unused-files",
    ),
)
