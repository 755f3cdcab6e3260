#!/bin/sh
# The settings are those of the local stack (cli/local/temporal.py).
set -eu
exec temporal server start-dev --ip 0.0.0.0 --headless --log-level error --metrics-port 9090 \
    --dynamic-config-value frontend.WorkflowTimeSkippingEnabled=true \
    --dynamic-config-value 'history.timerProcessorMaxTimeShift="20ms"' \
    --dynamic-config-value system.forceSearchAttributesCacheRefreshOnRead=true \
    --dynamic-config-value system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=2
