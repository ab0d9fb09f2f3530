"""Problems of manifests: what each means. docs/errors.md, `reconciler explain` and SARIF's rules show it."""

from __future__ import annotations

from collections.abc import Mapping

PROBLEMS: Mapping[str, str] = {
    "absent-request": (
        "`state: absent` on a request, which has no live object; remove the manifest, nothing is taken back."
    ),
    "bad-api-url": (
        "An API or token URL is no URL, is not https, or is on a host that credentials may not be sent to."
    ),
    "bad-format": "A name or ID has characters that are not allowed.",
    "bad-policy": "A Policy whose schema is no JSON Schema (draft 2020-12), or points outside itself.",
    "bad-reference": (
        "A `${…}` that is none of `${var:}`, `${env:}`, `${secret:}`, `${secret:file:}`. Write `$${` for the "
        "characters themselves."
    ),
    "bad-rename": "`metadata.renamedFrom` names the object itself, or one that another manifest is about.",
    "bad-scalar": "A value that YAML cannot read as what its tag says.",
    "bad-value": "A value that does not fit its field in another way; the message says how.",
    "built-in": (
        "A manifest for something that is there from the start and cannot be managed, such as the customer "
        "group `base`."
    ),
    "circular-reference": "Manifests of one kind refer to each other in a circle.",
    "control-character": "A control character stands in the file.",
    "duplicate-key": "A field stands twice in one mapping.",
    "duplicate-live-object": "Two manifests are about one live object.",
    "duplicate-name": "Two manifests of one kind have one name.",
    "host-not-allowed": "A delivery target points at a host outside `targetHosts`.",
    "key-not-text": "A field name that is not text.",
    "link": "A link to a folder, or one that leads out of the manifest folder.",
    "literal-secret": (
        "A secret is written into the manifests; `guardrails.literalSecrets` decides whether that is allowed."
    ),
    "missing-field": "A required field is missing.",
    "no-list-currency": (
        "A DataSync writes prices to a price list that no manifest names, and has no `currency` to create it in."
    ),
    "no-target-hosts": "The environment has no `targetHosts`, so delivery targets may point anywhere.",
    "not-a-file": "A device, pipe or socket stands where a file should.",
    "not-a-manifest": "A document that is no mapping.",
    "not-read": (
        "A file looks like a manifest by what it holds, and its name says otherwise: hidden, a copy, `.yaml.txt`, "
        "`.json`. A remark of `validate` alone; nothing reads the file."
    ),
    "not-pausable": "A pause where the API has none: OrderSync and ErrorConfig.",
    "conflict-marker": "A merge conflict is not resolved: the markers of git stand in the file.",
    "not-yaml": "The file is not YAML, or not UTF-8.",
    "out-of-range": "A number or length outside its limits.",
    "patch-without-target": "A patch names a manifest that does not exist in that environment.",
    "policy-breach": "A manifest does not keep a rule of the team, a Policy; the message is the rule's.",
    "policy-too-slow": "A Policy takes too long: its patterns may take a second for all manifests of an environment.",
    "reference-not-allowed": "A `${…}` where none may stand, such as in a field's name.",
    "reference-to-absent": "A sync points at a delivery config that is to be absent.",
    "secret-in-plain-field": (
        "`${secret:}` where its value would be shown: in a plain field, or in scheme, host or port of a URL. Userinfo "
        "and query of a URL, values behind telling names in free-form maps and what `metadata.sensitive` names may "
        "hold one."
    ),
    "secret-not-allowed": (
        "`${secret:}` asks for a credential of reconciler itself (`RECONCILER_…`) or of the forge that runs "
        "it (`GITHUB_TOKEN`)."
    ),
    "shared-search-ingestion": "Two entity types share one SearchIngestion target, which names one entity.",
    "tag": "A YAML tag such as `!!python/…`.",
    "target-not-usable": "A target that this sync cannot use, such as Content Hub on an entity sync.",
    "too-deep": "Nesting is deeper than any manifest needs.",
    "too-large": "A file or value is too large.",
    "too-many-problems": (
        "So much is wrong with a file that the rest of it was not read, or with the folder that only the "
        "first 1,000 problems are shown."
    ),
    "too-long": "A text is longer than the API takes.",
    "too-short": "A text is empty, or shorter than the API takes.",
    "too-many-aliases": "Aliases expand to more than a manifest may hold.",
    "two-known-integrations": "OrderCloud allows one known integration in a delivery config.",
    "unknown-alias": "A YAML alias without its anchor.",
    "unknown-api-version": "`apiVersion` is not `reconciler/v1`.",
    "unknown-environment": "`metadata.environments` names no Environment.",
    "unknown-field": "A field that does not exist; the nearest known name is offered.",
    "unknown-kind": "A kind that does not exist; the nearest is offered.",
    "unknown-path": (
        "`metadata.ignore` or `metadata.sensitive` names no field of the spec, or one that is shown everywhere, such "
        "as the ID."
    ),
    "unknown-reference": "A reference to a manifest that does not exist in that environment.",
    "unknown-value": "Not one of the values that the field takes.",
    "unreadable-file": "A file that cannot be opened.",
    "unreadable-host": "No host can be read from a value that has to point at one.",
    "unreadable-variable": (
        "`${env:}` names a variable that no default rule allows; `plan` refuses it unless "
        "`RECONCILER_ALLOW_ENV` has it."
    ),
    "windows-join": (
        "Windows of a pause follow one another without a gap for longer than `guardrails.maxPause`; a plan that would "
        "pause the sync then is refused."
    ),
    "windows-not-healed": (
        "A pause has windows, and `drift.heal` of the Environment does not name `window`: nothing but an apply starts "
        "and ends them."
    ),
    "wrong-type": "A value of another type; YAML 1.2 knows only `true` and `false` as booleans.",
}
