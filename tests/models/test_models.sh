#!/usr/bin/env bash
# The explorer knows C11, and finds nothing in the concurrent parts of the runtime but what is
# broken on purpose.
set -uo pipefail
status=0
for model in litmus cslice_model pool_model; do
    "$BUILD_DIR/tests/models/$model" || status=1
done
exit $status
