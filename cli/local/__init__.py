"""The whole product on one machine: servers from wheels, five services, a worker, under one supervisor."""
