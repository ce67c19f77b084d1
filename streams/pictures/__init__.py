"""Pictures and tables of what the topics know: specifications that the console and the command line share."""
