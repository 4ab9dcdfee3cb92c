#!/bin/sh
# Checks the files under deploy/ with the tools of those who take them: Bicep compiles, Terraform formats and validates, the workflow is
# held against the schema of GitHub's workflows. A tool that cannot be had is named, and the file is parsed by another reader of its
# language (from PyPI). The tests run what the files call; this looks at the files themselves.
# Usage: deployfiles.sh
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install --disable-pip-version-check check-jsonschema python-hcl2 pycep-parser

echo "== the workflow, against the schema of GitHub's workflows"
"$work/venv/bin/check-jsonschema" --builtin-schema vendor.github-workflows deploy/github-actions/maintenance.yml
if command -v actionlint >/dev/null; then actionlint deploy/github-actions/maintenance.yml; else echo "actionlint: not installed"; fi

echo "== Bicep"
if command -v bicep >/dev/null; then
  bicep build --stdout deploy/container-apps-job/job.bicep >/dev/null && echo "bicep build: ok"
else
  echo "bicep: not installed; parsed by pycep-parser"
fi

echo "== Terraform"
if command -v terraform >/dev/null; then
  terraform fmt -check deploy/container-apps-job/job.tf
  cp -r deploy "$work/deploy"
  if (cd "$work/deploy/container-apps-job" && terraform init -backend=false -input=false >"$work/init" 2>&1); then
    (cd "$work/deploy/container-apps-job" && terraform validate)
  else
    echo "terraform validate: the provider cannot be had here; terraform fmt has read the file"
  fi
else
  echo "terraform: not installed; parsed by python-hcl2"
fi

"$work/venv/bin/python" - <<'PYTHON'
import json
import hcl2
import pycep

with open("deploy/container-apps-job/job.bicep") as file:
    bicep = pycep.BicepParser().parse(text=file.read())
with open("deploy/container-apps-job/job.tf") as file:
    terraform = hcl2.load(file)
with open("deploy/logic-app/workflow.json") as file:
    workflow = json.load(file)
job = bicep["resources"]["job"]
assert job["type"] == "Microsoft.App/jobs", job
assert any("azurerm_container_app_job" in key for resource in terraform["resource"] for key in resource)
assert workflow["definition"]["triggers"] and workflow["definition"]["actions"]
print("Bicep, Terraform and the Logic App are read, and are what they are said to be")
PYTHON
