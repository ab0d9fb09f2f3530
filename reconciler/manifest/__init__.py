"""Manifests: YAML in with positions, patches, references and secrets; YAML out with comments kept."""
