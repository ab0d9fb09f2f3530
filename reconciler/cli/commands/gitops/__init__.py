"""`reconciler gitops`: one file per command."""
