"""Routes of the service: a file for each subject, which exports `routes(service)`."""
