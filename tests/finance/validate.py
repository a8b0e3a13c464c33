"""What does the FinOps Foundation's validator say of a FOCUS 1.2 file? Prints {"rules", "failed": [rule, …]}.

    python validate.py FILE

It exits with 0 whatever it finds, so its report is read; and it looks for its currencies beside its own package.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from xml.etree import ElementTree


# What a GPU cloud that bills in one currency has. Availability zones, capacity reservations, several types of accounts and other
# pricing currencies it has not.
CRITERIA = [
    "ACCOUNT_NAMING_SUPPORTED",
    "BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED",
    "COMMITMENT_DISCOUNT_SUPPORTED",
    "MULTIPLE_PRICING_CATEGORIES_SUPPORTED",
    "NEGOTIATED_PRICING_SUPPORTED",
    "PUBLIC_PRICE_LIST_SUPPORTED",
    "REGION_SUPPORTED",
    "RESOURCE_TYPE_ASSIGNMENT_SUPPORTED",
    "SUB_ACCOUNT_SUPPORTED",
    "TAGGING_SUPPORTED",
    "UNIT_PRICING_SUPPORTED",
    "USAGE_MEASUREMENT_SUPPORTED",
]


def main(file):
    package = pathlib.Path(find_spec("focus_validator").origin).parent
    with tempfile.TemporaryDirectory() as scratch:
        report = pathlib.Path(scratch, "report.xml")
        program = pathlib.Path(sys.executable).parent / "focus-validator"
        command = [program, "--data-file", pathlib.Path(file).resolve(), "--validate-version", "1.2"]
        command += ["--block-download", "--applicability-criteria", ",".join(CRITERIA)]
        command += ["--output-type", "unittest", "--output-destination", report]
        ran = subprocess.run(command, cwd=package.parent, capture_output=True, text=True, check=False)
        if not report.exists():
            sys.exit(ran.stdout + ran.stderr)
        cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    failed = {case.get("name", "").split(" ")[0] for case in cases if case.find("failure") is not None}
    print(json.dumps({"rules": len(cases), "failed": sorted(failed)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
