"""What printed text may not hold, by what reads it: see hostile.py."""

import csv
import html.parser
import io
import json
import re
import xml.etree.ElementTree

CONTROL = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)


class Fault(Exception):
    pass


def decoded(data):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Fault(f"not UTF-8: {data[max(0, error.start - 20):error.end + 20]!r}") from error


def neutral(data, tabs=False):
    shown = decoded(data)
    for found in CONTROL.finditer(shown):
        if not (tabs and found.group() == "\t"):
            near = shown[max(0, found.start() - 40):found.end() + 20]
            raise Fault(f"{found.group()!r} in {near!r}")
    return shown


class Page(html.parser.HTMLParser):
    TAGS = set(
        "html head meta title style body a main footer header section h1 h2 h3 p ul ol li pre code span strong small "
        "dl dt dd div table caption thead tbody tr th td svg desc g defs pattern rect line text path circle polyline "
        "polygon figure figcaption nav details summary tspan".split()
    )

    def __init__(self):
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag, attrs):
        if tag not in self.TAGS:
            raise Fault(f"the element <{tag}>")
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                raise Fault(f"the attribute {name} of <{tag}>")
            if name in ("href", "src") and not re.match(r"(#|https://)", value or ""):
                raise Fault(f"{name}={value!r}")

    def handle_comment(self, data):
        raise Fault(f"a comment: {data[:60]!r}")

    def unknown_decl(self, data):
        raise Fault(f"a declaration: {data[:60]!r}")


def check_html(data):
    page = Page()
    page.feed(neutral(data))
    page.close()


def check_csv(data):
    shown = neutral(data.replace(b"\r\n", b"\n"))
    widths = set()
    for record in csv.reader(io.StringIO(data.decode(), newline=""), strict=True):
        widths.add(len(record))
        for cell in record:
            if cell[:1] in tuple("=+-@\t\r") and not re.fullmatch(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?", cell):
                raise Fault(f"a formula: {cell!r}")
    if shown and len(widths) != 1:
        raise Fault(f"records of {sorted(widths)} fields")


def check_json(data):
    json.loads(neutral(data))


def check_jsonl(data):
    for line in neutral(data).splitlines():
        json.loads(line)


def check_xml(data):
    neutral(data)
    xml.etree.ElementTree.fromstring(data)


def check_github(data):
    for line in neutral(data).splitlines():
        if not re.fullmatch(r"::(error|warning|notice) file=[^,:]*,line=\d+,col=\d+,title=[^,:]*::.*", line):
            raise Fault(f"an annotation that a name has broken: {line[:200]!r}")


def check_markdown(data):
    for line in neutral(data).splitlines():
        if re.search(r"(?<!\\)<[a-zA-Z!/]", re.sub(r"`[^`]*`", "", line)):
            raise Fault(f"a tag: {line[:200]!r}")
    widths = {len(re.findall(r"(?<!\\)\|", re.sub(r"\\\\", "", line)))
              for line in data.decode().splitlines() if line.startswith("|")}
    if len(widths) > 1 and b"\n\n" not in data:
        raise Fault(f"a table of {sorted(widths)} bars")


CHECKS = {
    "text": neutral, "concise": neutral, "json": check_json, "jsonl": check_jsonl, "sarif": check_json,
    "html": check_html, "svg": check_xml, "csv": check_csv, "junit": check_xml, "github": check_github,
    "markdown": check_markdown,
}
