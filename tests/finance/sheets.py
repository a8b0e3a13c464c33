"""Which numbers does a spreadsheet show? Of each flat OpenDocument sheet, its cells as LibreOffice read them.

    python sheets.py FILE.fods…

Prints {"name": [[cell, …], …]}: numbers as text where LibreOffice took them for numbers, {"text": …} where for text, and
{"formula": …} where it would compute something.
"""

import json
import pathlib
import sys
from xml.etree import ElementTree

TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
REPEATED_MAX = 200


def cell(element):
    if element.get(f"{TABLE}formula"):
        return {"formula": element.get(f"{TABLE}formula")}
    if element.get(f"{OFFICE}value-type") in ("float", "currency", "percentage"):
        return element.get(f"{OFFICE}value")
    return {"text": "".join(element.itertext())}


def rows(file):
    for row in ElementTree.parse(file).getroot().iter(f"{TABLE}table-row"):
        cells = []
        for element in row.iter(f"{TABLE}table-cell"):
            times = int(element.get(f"{TABLE}number-columns-repeated", "1"))
            cells += [cell(element)] * min(times, REPEATED_MAX)
        yield cells


if __name__ == "__main__":
    print(json.dumps({pathlib.Path(file).stem: list(rows(file)) for file in sys.argv[1:]}))
