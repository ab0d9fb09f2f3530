"""Problems of manifests in the formats that CI systems read."""
