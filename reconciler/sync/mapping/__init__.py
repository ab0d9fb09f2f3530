"""What the mappers of all data types share: values and fields of source records."""
