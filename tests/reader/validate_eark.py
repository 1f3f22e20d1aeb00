#!/usr/bin/env python3
"""Runs `eark-validator` 1.1.3 on a folder without the network, and prints its findings as JSON.

Importing the validator downloads four vocabularies, of which the same files lie in its own wheel: they are served
from there, and every other address is refused.
"""

import importlib.util
import io
import json
import os
import sys
import urllib.request
from pathlib import Path

RESOURCES = Path(importlib.util.find_spec("eark_validator").origin).parent / "ipxml" / "resources" / "vocabs"


def from_the_wheel(address, *_, **__):
    address = getattr(address, "full_url", address)
    if not address.startswith("https://earkcsip.dilcis.eu/schema/"):
        raise OSError(f"no network here: {address}")
    return io.BytesIO((RESOURCES / os.path.basename(address)).read_bytes())


urllib.request.urlopen = from_the_wheel

from eark_validator.packages import PackageValidator  # noqa: E402
from eark_validator.specifications.specification import SpecificationVersion  # noqa: E402

report = PackageValidator(Path(sys.argv[1]), SpecificationVersion("V2.1.0")).validation_report


def told(messages, severity):
    return [
        {"rule": m.rule_id, "message": m.message}
        for m in messages
        if str(getattr(m.severity, "value", m.severity)).lower() == severity
    ]


metadata = report.metadata
print(
    json.dumps(
        {
            "structure": str(getattr(report.structure.status, "value", report.structure.status)),
            "structure_messages": [{"rule": m.rule_id, "message": m.message} for m in report.structure.messages],
            "schema": metadata and str(getattr(metadata.schema_results.status, "value", metadata.schema_results.status)),
            "schema_messages": metadata and [m.message for m in metadata.schema_results.messages],
            "errors": metadata and told(metadata.schematron_results.messages, "error"),
            "warnings": metadata and told(metadata.schematron_results.messages, "warning"),
        }
    )
)
