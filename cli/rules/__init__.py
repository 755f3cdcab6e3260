"""Files of rule cases, put to the services through their public contracts: `socialcare check-rules FILE`."""
