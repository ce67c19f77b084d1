"""The command line: thin commands with typed options and defined exit statuses."""
