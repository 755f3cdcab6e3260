"""What every process needs: settings, database, outbox, audit, gRPC server, clock, telemetry.

Nothing here knows a rule of the trade. A stage imports from these modules; they import no stage.
"""
