"""What every code means that reconciler prints: errors, problems of manifests, guardrails, causes of drift."""
