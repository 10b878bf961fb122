"""Eighteen things that happen to code under a note, written out in five languages.

A note is about the method ``total`` of ``Invoice``, which calls a helper in another file and reads a
constant of its own file. Every mutation is a list of replacements in the main file; the expected verdict is
the same in every language. The code is plain text: nothing here asks any parser.
"""

# ruff: noqa: E501 - a replacement reads best on one line

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Edits = tuple[tuple[str, str], ...]

CASES: tuple[tuple[str, str, str], ...] = (
    ("none", "no change", "fresh"),
    ("edit", "edit of the anchored function", "stale"),
    ("unrelated", "edit of another function in the file", "fresh"),
    ("above", "lines inserted above", "fresh"),
    ("blank", "white space and blank lines", "fresh"),
    ("wrap", "lines wrapped, quotes and commas by a formatter", "fresh"),
    ("comment", "comment inside the function", "fresh"),
    ("doc", "doc comment or docstring only", "soft"),
    ("block", "statement moved out of its block", "stale"),
    ("decorator", "decorator, annotation or modifier added", "stale"),
    ("namesake", "edit of a method of the same name elsewhere", "fresh"),
    ("rename_file", "file renamed", "moved"),
    ("move", "class moved to another file", "moved"),
    ("rename", "function renamed", "moved"),
    ("delete", "function deleted", "gone"),
    ("delete_file", "file deleted", "gone"),
    ("helper", "change in a called helper in another file", "soft"),
    ("constant", "change of a constant that it reads", "soft"),
)
"""(key, what happens, expected verdict)."""


@dataclass(frozen=True)
class Subject:
    """One language: its files and the replacements in the main file."""

    name: str
    main: str
    helper: str
    symbol: str
    renamed: str
    """The symbol after ``rename``."""
    main_text: str
    helper_text: str
    edits: Mapping[str, Edits]
    helper_edit: tuple[str, str]
    moved_file: str
    """Where ``move`` puts the class."""
    moved_head: str
    """What that file begins with; the class follows."""
    class_marks: tuple[str, str]
    """Texts between which the class stands in the main file."""

    @property
    def file_after_rename(self) -> str:
        folder, _, name = self.main.rpartition("/")
        stem, _, suffix = name.rpartition(".")
        return f"{folder}/{stem}s_renamed.{suffix}"


_MARK = "BEGIN INVOICE", "END INVOICE"


def _subject(name: str, files: tuple[str, str, str], texts: tuple[str, str, str], **rest: object) -> Subject:
    main, helper, moved = files
    begin = "# " if name == "Python" else "// "
    return Subject(
        name=name,
        main=main,
        helper=helper,
        moved_file=moved,
        main_text=texts[0].lstrip("\n"),
        helper_text=texts[1].lstrip("\n"),
        moved_head=texts[2].lstrip("\n"),
        class_marks=(begin + _MARK[0], begin + _MARK[1]),
        **rest,  # type: ignore[arg-type]
    )


PYTHON = _subject(
    "Python",
    ("billing/invoice.py", "billing/tax.py", "billing/ledger.py"),
    (
        '''
from billing.tax import add_tax

RATE = 20


def greet(name):
    return "hello " + name


# BEGIN INVOICE
class Invoice:
    """An invoice."""

    def total(self, lines, currency="EUR"):
        """Sum of the lines with tax."""
        amount = 0
        for line in lines:
            if line.price > 0:
                amount += line.price * line.count
                line.seen = True
        label = {"currency": currency, "amount": amount}
        return add_tax(amount, RATE), label
# END INVOICE


class Quote:
    def total(self, lines):
        return len(lines)
''',
        "def add_tax(amount, rate):\n    return amount + amount * rate // 100\n",
        "from billing.tax import add_tax\n\nRATE = 20\n\n\n",
    ),
    symbol="Invoice.total",
    renamed="Invoice.grand_total",
    helper_edit=("amount * rate // 100", "amount * rate // 1000"),
    edits={
        "edit": (("line.price * line.count", "line.price * line.count + 1"),),
        "unrelated": (('"hello " + name', '"good day " + name'),),
        "above": (("RATE = 20\n", 'RATE = 20\nNAME = "billing"\n\n\ndef first():\n    return NAME\n'),),
        "blank": (("        amount = 0\n", "\n        amount  =  0\n\n"),),
        "wrap": (
            ('{"currency": currency, "amount": amount}', "{\n            'currency': currency,\n            'amount': amount,\n        }"),
            ('currency="EUR"', "currency='EUR'"),
        ),
        "comment": (("        amount = 0\n", "        # count from nothing\n        amount = 0  # so far\n"),),
        "doc": (("Sum of the lines with tax.", "Sum of all lines, tax included."),),
        "block": (("                line.seen = True", "            line.seen = True"),),
        "decorator": (("    def total(self, lines, c", "    @staticmethod\n    def total(self, lines, c"),),
        "namesake": (("return len(lines)", "return len(lines) + 1"),),
        "rename": (("def total(self, lines, c", "def grand_total(self, lines, c"),),
        "constant": (("RATE = 20", "RATE = 21"),),
    },
)  # fmt: skip

TYPESCRIPT = _subject(
    "TypeScript",
    ("src/invoice.ts", "src/tax.ts", "src/ledger.ts"),
    (
        """
import { addTax } from "./tax";

export const RATE = 20;

export function greet(name: string): string {
  return "hello " + name;
}

// BEGIN INVOICE
export class Invoice {
  /** Sum of the lines with tax. */
  total(lines: Line[], currency = "EUR"): [number, Label] {
    let amount = 0;
    for (const line of lines) {
      if (line.price > 0) {
        amount += line.price * line.count;
        line.seen = true;
      }
    }
    const label = { currency: currency, amount: amount, kind: "plain" };
    return [addTax(amount, RATE), label];
  }
}
// END INVOICE

export class Quote {
  total(lines: Line[]): number {
    return lines.length;
  }
}
""",
        "export function addTax(amount: number, rate: number): number {\n  return amount + (amount * rate) / 100;\n}\n",
        'import { addTax } from "./tax";\n\nexport const RATE = 20;\n\n',
    ),
    symbol="Invoice.total",
    renamed="Invoice.grandTotal",
    helper_edit=("rate) / 100", "rate) / 1000"),
    edits={
        "edit": (("line.price * line.count", "line.price * line.count + 1"),),
        "unrelated": (('"hello " + name', '"good day " + name'),),
        "above": (("export const RATE = 20;\n", 'export const RATE = 20;\nexport const NAME = "billing";\n\nfunction first() {\n  return NAME;\n}\n'),),
        "blank": (("    let amount = 0;\n", "\n    let  amount  =  0;\n\n"),),
        "wrap": (
            ('{ currency: currency, amount: amount, kind: "plain" };', "{\n      currency: currency,\n      amount: amount,\n      'kind': 'plain',\n    }"),
            ('currency = "EUR"', "currency = 'EUR'"),
        ),
        "comment": (("    let amount = 0;\n", "    // count from nothing\n    let amount = 0; /* so far */\n"),),
        "doc": (("Sum of the lines with tax.", "Sum of all lines, tax included."),),
        "block": (("        line.seen = true;\n      }\n", "      }\n      line.seen = true;\n"),),
        "decorator": (("  total(lines: Line[], c", "  @logged()\n  total(lines: Line[], c"),),
        "namesake": (("return lines.length;", "return lines.length + 1;"),),
        "rename": (("  total(lines: Line[], c", "  grandTotal(lines: Line[], c"),),
        "constant": (("RATE = 20", "RATE = 21"),),
    },
)  # fmt: skip

GO = _subject(
    "Go",
    ("billing/invoice.go", "billing/tax.go", "billing/ledger.go"),
    (
        """
package billing

const Rate = 20

func Greet(name string) string {
	return "hello " + name
}

// BEGIN INVOICE

// Invoice is an invoice.
type Invoice struct {
	Name string
}

// Total is the sum of the lines with tax.
func (i *Invoice) Total(lines []Line, currency string) (int, Label) {
	amount := 0
	for _, line := range lines {
		if line.Price > 0 {
			amount += line.Price * line.Count
			line.Seen(true)
		}
	}
	label := Label{Currency: currency, Amount: amount}
	return AddTax(amount, Rate), label
}

// END INVOICE

type Quote struct{}

func (q *Quote) Total(lines []Line) int {
	return len(lines)
}
""",
        "package billing\n\nfunc AddTax(amount int, rate int) int {\n\treturn amount + amount*rate/100\n}\n",
        "package billing\n\n",
    ),
    symbol="Invoice.Total",
    renamed="Invoice.GrandTotal",
    helper_edit=("rate/100", "rate/1000"),
    edits={
        "edit": (("line.Price * line.Count", "line.Price*line.Count + 1"),),
        "unrelated": (('"hello " + name', '"good day " + name'),),
        "above": (("const Rate = 20\n", 'const Rate = 20\n\nconst Name = "billing"\n\nfunc first() string {\n\treturn Name\n}\n'),),
        "blank": (("\tamount := 0\n", "\n\tamount  :=  0\n\n"),),
        "wrap": (("Label{Currency: currency, Amount: amount}", "Label{\n\t\tCurrency: currency,\n\t\tAmount:   amount,\n\t}"), ("lines []Line, currency string)", "\n\tlines []Line,\n\tcurrency string,\n)")),
        "comment": (("\tamount := 0\n", "\t// count from nothing\n\tamount := 0 // so far\n"),),
        "doc": (("is the sum of the lines with tax.", "is the sum of all lines, tax included."),),
        "block": (("\t\t\tline.Seen(true)\n\t\t}\n", "\t\t}\n\t\tline.Seen(true)\n"),),
        "decorator": (("func (i *Invoice) Total", "func (i Invoice) Total"),),
        "namesake": (("return len(lines)", "return len(lines) + 1"),),
        "rename": (("func (i *Invoice) Total", "func (i *Invoice) GrandTotal"),),
        "constant": (("Rate = 20", "Rate = 21"),),
    },
)  # fmt: skip

RUST = _subject(
    "Rust",
    ("src/invoice.rs", "src/tax.rs", "src/ledger.rs"),
    (
        """
use crate::tax::add_tax;

pub const RATE: i64 = 20;

pub fn greet(name: &str) -> String {
    format!("hello {}", name)
}

// BEGIN INVOICE
pub struct Invoice {
    pub name: String,
}

impl Invoice {
    /// Sum of the lines with tax.
    pub fn total(&self, lines: &mut [Line], currency: &str) -> (i64, Label) {
        let mut amount = 0;
        for line in lines.iter_mut() {
            if line.price > 0 {
                amount += line.price * line.count;
                line.seen = true;
            }
        }
        let label = Label { currency: currency.to_string(), amount: amount };
        (add_tax(amount, RATE), label)
    }
}
// END INVOICE

pub struct Quote;

impl Quote {
    pub fn total(&self, lines: &[Line]) -> usize {
        lines.len()
    }
}
""",
        "pub fn add_tax(amount: i64, rate: i64) -> i64 {\n    amount + amount * rate / 100\n}\n",
        "use crate::tax::add_tax;\n\npub const RATE: i64 = 20;\n\n",
    ),
    symbol="Invoice::total",
    renamed="Invoice::grand_total",
    helper_edit=("rate / 100", "rate / 1000"),
    edits={
        "edit": (("line.price * line.count", "line.price * line.count + 1"),),
        "unrelated": (('"hello {}"', '"good day {}"'),),
        "above": (("pub const RATE: i64 = 20;\n", 'pub const RATE: i64 = 20;\npub const NAME: &str = "billing";\n\npub fn first() -> &\'static str {\n    NAME\n}\n'),),
        "blank": (("        let mut amount = 0;\n", "\n        let mut amount  =  0;\n\n"),),
        "wrap": (("Label { currency: currency.to_string(), amount: amount };", "Label {\n            currency: currency.to_string(),\n            amount: amount,\n        };"), ("&self, lines: &mut [Line], currency: &str)", "\n        &self,\n        lines: &mut [Line],\n        currency: &str,\n    )")),
        "comment": (("        let mut amount = 0;\n", "        // count from nothing\n        let mut amount = 0; // so far\n"),),
        "doc": (("Sum of the lines with tax.", "Sum of all lines, tax included."),),
        "block": (("                line.seen = true;\n            }\n", "            }\n            line.seen = true;\n"),),
        "decorator": (("    pub fn total(&self, lines: &mut", "    #[must_use]\n    pub fn total(&self, lines: &mut"),),
        "namesake": (("lines.len()", "lines.len() + 1"),),
        "rename": (("pub fn total(&self, lines: &mut", "pub fn grand_total(&self, lines: &mut"),),
        "constant": (("RATE: i64 = 20", "RATE: i64 = 21"),),
    },
)  # fmt: skip

JAVA = _subject(
    "Java",
    ("src/main/java/billing/Invoice.java", "src/main/java/billing/Tax.java", "src/main/java/billing/Ledger.java"),
    (
        """
package billing;

import java.util.List;
import java.util.Map;

class Rates {
    static final int RATE = 20;

    static String greet(String name) {
        return "hello " + name;
    }
}

// BEGIN INVOICE
class Invoice {
    static final int RATE = 20;

    /** Sum of the lines with tax. */
    public Total total(List<Line> lines, String currency) {
        int amount = 0;
        for (Line line : lines) {
            if (line.price > 0) {
                amount += line.price * line.count;
                line.seen = true;
            }
        }
        String[] label = {"currency", currency, "amount"};
        return new Total(Tax.addTax(amount, RATE), label);
    }
}
// END INVOICE

class Quote {
    int total(List<Line> lines) {
        return lines.size();
    }
}
""",
        "package billing;\n\nclass Tax {\n    static int addTax(int amount, int rate) {\n        return amount + amount * rate / 100;\n    }\n}\n",
        "package billing;\n\nimport java.util.List;\n\n",
    ),
    symbol="Invoice.total",
    renamed="Invoice.grandTotal",
    helper_edit=("rate / 100", "rate / 1000"),
    edits={
        "edit": (("line.price * line.count", "line.price * line.count + 1"),),
        "unrelated": (('"hello " + name', '"good day " + name'),),
        "above": (("import java.util.Map;\n", "import java.util.Map;\n\nclass First {\n    int one() {\n        return 1;\n    }\n}\n"),),
        "blank": (("        int amount = 0;\n", "\n        int  amount  =  0;\n\n"),),
        "wrap": (('{"currency", currency, "amount"};', '{\n            "currency",\n            currency,\n            "amount",\n        };'), ("List<Line> lines, String currency)", "\n            List<Line> lines,\n            String currency)"), ("import java.util.List;\nimport java.util.Map;", "import java.util.Map;\nimport java.util.List;")),
        "comment": (("        int amount = 0;\n", "        // count from nothing\n        int amount = 0; /* so far */\n"),),
        "doc": (("Sum of the lines with tax.", "Sum of all lines, tax included."),),
        "block": (("                line.seen = true;\n            }\n", "            }\n            line.seen = true;\n"),),
        "decorator": (("    public Total total(", "    @Deprecated\n    public Total total("),),
        "namesake": (("return lines.size();", "return lines.size() + 1;"),),
        "rename": (("public Total total(", "public Total grandTotal("),),
        "constant": (("class Invoice {\n    static final int RATE = 20;", "class Invoice {\n    static final int RATE = 21;"),),
    },
)  # fmt: skip

SUBJECTS = (PYTHON, TYPESCRIPT, GO, RUST, JAVA)


def mutated(subject: Subject, case: str) -> dict[str, str]:
    """The files after one mutation. Raises ValueError when a replacement does not fit its text."""
    main, files = subject.main_text, {subject.helper: subject.helper_text}
    begin, end = subject.class_marks
    if case == "helper":
        old, new = subject.helper_edit
        files[subject.helper] = _replaced(subject.helper_text, old, new)
    elif case == "rename_file":
        return {**files, subject.file_after_rename: main}
    elif case == "delete_file":
        return files
    elif case == "move":
        before, _, rest = main.partition(begin)
        inside, _, after = rest.partition(end)
        files[subject.moved_file] = subject.moved_head + begin + inside + end + "\n"
        main = before + after.lstrip("\n")
    elif case == "delete":
        main = _without_method(subject)
    for old, new in subject.edits.get(case, ()):
        main = _replaced(main, old, new)
    return {**files, subject.main: main}


def _replaced(text: str, old: str, new: str) -> str:
    if text.count(old) < 1:
        raise ValueError(f"{old!r} is not in the text")
    return text.replace(old, new, 1)


def _without_method(subject: Subject) -> str:
    """The main file without the anchored method; its class stays."""
    text = subject.main_text
    begin, end = (text.index(mark) for mark in subject.class_marks)
    head, inside, tail = text[:begin], text[begin:end], text[end:]
    lines = inside.split("\n")
    name = subject.symbol.replace("::", ".").rpartition(".")[2]
    at = next(i for i, line in enumerate(lines) if f" {name}(" in line)
    indent = len(lines[at]) - len(lines[at].lstrip())
    stop = at + 1
    while stop < len(lines) and (
        not lines[stop].strip() or len(lines[stop]) - len(lines[stop].lstrip()) > indent
    ):
        stop += 1
    if stop < len(lines) and lines[stop].strip() == "}":
        stop += 1
    kept = "pass" if subject.name == "Python" else ""
    return head + "\n".join([*lines[:at], " " * indent + kept, *lines[stop:]]) + tail
