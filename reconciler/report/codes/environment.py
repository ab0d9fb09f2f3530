"""The manifest that everything begins with, to be copied; docs/guides/first-plan.md has it too."""

from __future__ import annotations

ENVIRONMENT = (
    (
        "One marketplace, and the site that belongs to it, as they are reached. Save this as "
        "`manifests/environment.yaml`, leave out what you do not have, and put your own values in."
    ),
    "Credentials are references, never values: `${env:…}` and `${secret:…}` are environment variables of the run.",
)
ENVIRONMENT_STEP = (
    "`reconciler doctor` tries the login; `reconciler import` writes manifests for what is live; after that "
    "`reconciler plan` finds nothing to change."
)
ENVIRONMENT_FILE = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {name: sandbox}
spec:
  ordercloud:
    region: us-west             # us-west, us-east, australia-east, europe-west, japan-east
    environment: sandbox        # sandbox, staging, production
    clientID: ${env:OC_CLIENT_ID}
    clientSecret: ${secret:OC_CLIENT_SECRET}
  sparklayer:                   # where there is a site; left out otherwise
    stage: test                 # test, live
    siteID: your-site
    clientID: ${env:SPARK_CLIENT_ID}
    clientSecret: ${secret:SPARK_CLIENT_SECRET}
  targetHosts: [hooks.example.com]   # where deliveries may go; *. matches one or more labels
"""
