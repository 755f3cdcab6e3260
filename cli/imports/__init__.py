"""`socialcare import`: applications from a file, through the public method, with a report of what was rejected."""
