"""The demo's numbers, seconds and peak memory: one record to results/demo.jsonl.

python benchmarks/demo.py
"""

import json
import tempfile

import records


def main() -> None:
    """Run `oodles demo` and keep what it found."""
    with tempfile.TemporaryDirectory() as folder:
        printed, seconds, peak = records.measured("demo", "-o", folder, "--json")
    numbers = json.loads(printed)["numbers"]
    record = {"numbers": numbers, "seconds": round(seconds, 1), "peak_mib": round(peak), **records.provenance()}
    records.append("demo.jsonl", record)
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
