#!/bin/sh
# Deploys a function app whose timer nightly_maintenance runs the tasks of deploy/sluice.json: the package, the file of the tasks, the
# settings of settings.json. Run it from the root of the repository after `make package`.
# Usage: GROUP=… APP=… deploy/functions-timer/deploy.sh
set -eu
: "${GROUP:?the resource group}" "${APP:?the function app}"
here=$(dirname "$0")
cp "$here/../sluice.json" dist/app/sluice.json
(cd dist/app && zip -qr ../app.zip .)
az functionapp config appsettings set -g "$GROUP" -n "$APP" --settings "@$here/settings.json" --output none
az functionapp deployment source config-zip -g "$GROUP" -n "$APP" --src dist/app.zip --output none
echo "nightly_maintenance runs by the schedule in function-routes.json; try it: sluice maintenance run --dry-run"
