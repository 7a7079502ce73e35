"""Tool requests: ask for the missing argument, or call the tool."""
