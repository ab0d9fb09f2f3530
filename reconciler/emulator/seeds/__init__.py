"""Seeds of a marketplace: generated ones, and files in the format of the vendor's seeding tool."""
