"""What a marketplace starts with: generated catalogues, and files in the format of the vendor's seeding tool."""
