"""Meanings of the codes that reconciler prints: errors, problems of manifests, guardrails, causes of drift."""
