"""One piece of code per language, and what may be done to it without changing its meaning."""

# ruff: noqa: E501 - a table reads best with one case a line

from __future__ import annotations

from dataclasses import dataclass

Edit = tuple[str, str, str]
"""(what it is, old text, new text)"""


@dataclass(frozen=True)
class Sample:
    """A file, the symbol that is looked at, the edits that are formatting, and those that are not."""

    path: str
    text: str
    symbol: str
    same: tuple[Edit, ...]
    differ: tuple[tuple[str, str, str, str], ...]
    """(what, old, new, the part that must differ)"""


JAVASCRIPT = Sample(
    "a.js",
    """
import { b, c } from './x';
/** Adds. */
export const total = async (line) => {
  const label = { 'name': 'x', rate: 0.50, list: [1, 2] };
  if (line) {
    add(line);
  }
  return new Sum(label) || `a ${line}`;
};
""",
    "total",
    (
        ("quotes", "'./x'", '"./x"'),
        ("quotes of a key", "'name': 'x'", 'name: "x"'),
        ("semicolons", "add(line);", "add(line)"),
        ("parentheses of a parameter", "(line) =>", "line =>"),
        ("trailing comma", "[1, 2]", "[1, 2,]"),
        ("number", "0.50", ".5"),
        ("redundant parentheses", "new Sum(label) ||", "(new Sum(label)) ||"),
        ("comment", "add(line);", "/* now */ add(line); // done"),
        ("line breaks", "{ 'name'", "{\n    'name'"),
        ("order of imports", "{ b, c }", "{ c, b }"),
        ("empty statement", "add(line);", "add(line);;"),
    ),
    (
        ("out of the block", "    add(line);\n  }", "  }\n    add(line);", "body"),
        ("operator", "||", "&&", "body"),
        ("string", "'x'", "'y'", "body"),
        ("hole in an array", "[1, 2]", "[1, , 2]", "body"),
        ("template", "`a ${line}`", "`b ${line}`", "body"),
        ("parameter", "(line)", "(line, other)", "sig"),
        ("async", "async (", "(", "sig"),
        ("export", "export const", "const", "sig"),
        ("doc comment", "Adds.", "Adds up.", "doc"),
    ),
)
TYPESCRIPT = Sample(
    "a.tsx",
    """
import type { Line } from './x';
/** An invoice. */
@entity({ table: 'invoice' })
export class Invoice<T extends Line> extends Base implements Payable {
  private readonly rate: number = 1_000;
  /** Adds. */
  total(lines: T[], kind: 'a' | 'b' = 'a'): Promise<number> {
    const view = <b className="x">one two {lines.length}</b>;
    return (this.rate as number) + (lines?.length ?? 0);
  }
}
""",
    "Invoice.total",
    (
        ("quotes", "className=\"x\"", "className='x'"),
        ("text over two lines", "one two {", "one\n      two{' '}\n      {"),
        ("leading bar of a union", "'a' | 'b' =", "| 'a' | 'b' ="),
        ("parentheses of JSX", '<b className="x">one two {lines.length}</b>', '(<b className="x">one two {lines.length}</b>)'),
        ("string in braces", 'className="x"', 'className={"x"}'),
        ("trailing comma", "= 'a')", "= 'a',)"),
    ),
    (
        ("type", "'a' | 'b' =", "'a' | 'c' =", "sig"),
        ("result", "Promise<number>", "Promise<string>", "sig"),
        ("decorator", "  total(", "  @log()\n  total(", "sig"),
        ("text of JSX", "one two", "one three", "body"),
        ("optional chain", "lines?.length", "lines.length", "body"),
        ("doc comment", "Adds.", "Adds up.", "doc"),
    ),
)  # fmt: skip
GO = Sample(
    "a.go",
    """
package billing

import (
	"fmt"
	"math"
)

// Serve answers.
func (s *Server) Serve(a, b int) (err error) {
	if a > b {
		s.log("x")
	}
	for i := 0; i < 3; i++ {
		fmt.Println(i)
	}
	return call(a, []int{1, 2})
}
""",
    "Server.Serve",
    (
        ("order of imports", '"fmt"\n\t"math"', '"math"\n\t"fmt"'),
        ("parentheses", "if a > b {", "if (a > b) {"),
        ("trailing comma", "[]int{1, 2}", "[]int{\n\t\t1,\n\t\t2,\n\t}"),
        ("spaces", "for i := 0; i < 3; i++ {", "for i:=0;i<3;i++ {"),
        ("raw string", '"x"', "`x`"),
        ("comment", 's.log("x")', 's.log("x") // log'),
        ("semicolon", 's.log("x")', 's.log("x");'),
    ),
    (
        ("out of the block", '\t\ts.log("x")\n\t}', '\t}\n\ts.log("x")', "body"),
        ("raw string with an escape", '"x"', "`x\\n`", "body"),
        ("receiver", "(s *Server)", "(s Server)", "sig"),
        ("result", "(err error)", "(err error, n int)", "sig"),
        ("loop without a start", "i := 0; i < 3", "; i < 3", "body"),
        ("doc comment", "Serve answers.", "Serve replies.", "doc"),
    ),
)
RUST = Sample(
    "a.rs",
    """
use crate::x::{b, a::{self, c}};

impl Invoice {
    /// Adds.
    #[inline]
    pub fn total(&self, x: u8) -> u64 {
        let pair = (1, 2);
        if x > 1 { self.log("x"); }
        let y = list.iter().map(|l| l.price);
        match x { 1 => one(), A | B => { two() } _ => return 3 }
    }
}
""",
    "Invoice::total",
    (
        ("order of uses", "{b, a::{self, c}}", "{a::{c, self}, b}"),
        ("merged uses", "{b, a::{self, c}}", "{b, a, a::c}"),
        ("braces of an arm", "1 => one(),", "1 => { one() }"),
        ("braces of a jump", "return 3 }", "{ return 3; } }"),
        ("braces of a closure", "|l| l.price", "|l| { l.price }"),
        ("leading bar", "A | B", "| A | B"),
        ("trailing comma", "(1, 2)", "(1, 2,)"),
        ("comment", "let pair", "// two\n        let pair"),
        ("parameters in lines", "(&self, x: u8)", "(\n        &self,\n        x: u8,\n    )"),
    ),
    (
        ("statement made a value", "one(),", "{ one(); }", "body"),
        ("tuple of one", "(1, 2)", "(1,)", "body"),
        ("out of the block", '{ self.log("x"); }', '{ } self.log("x");', "body"),
        ("attribute", "#[inline]", "#[cold]", "sig"),
        ("visibility", "pub fn", "pub(crate) fn", "sig"),
        ("reference", "&self", "&mut self", "sig"),
        ("doc comment", "/// Adds.", "/// Adds up.", "doc"),
    ),
)
JAVA = Sample(
    "A.java",
    """
package billing;

import java.util.List;
import java.util.Map;

class Invoice {
  /** Adds. */
  @Deprecated
  public static int total(List<Line> lines, int... rest) throws Failure {
    int[] all = {1, 2};
    if (lines.isEmpty()) {
      log("one" + "two");
    }
    run((x) -> x + 1);
    return 1_000;
  }
}
""",
    "Invoice.total",
    (
        (
            "order of imports",
            "java.util.List;\nimport java.util.Map;",
            "java.util.Map;\nimport java.util.List;",
        ),
        ("order of modifiers", "public static", "static public"),
        ("trailing comma", "{1, 2}", "{1, 2,}"),
        ("long string in pieces", '"one" + "two"', '"onetwo"'),
        ("parentheses of a lambda", "(x) ->", "x ->"),
        ("paragraph in the doc", "Adds.", "<p>Adds."),
        ("comment", "int[] all", "// all\n    int[] all"),
        ("lines", "(List<Line> lines, int... rest)", "(\n      List<Line> lines,\n      int... rest)"),
    ),
    (
        ("out of the block", '      log("one" + "two");\n    }', '    }\n    log("one" + "two");', "body"),
        ("order of a sum", '"one" + "two"', '"two" + "one"', "body"),
        ("annotation", "@Deprecated", '@Deprecated(since = "2")', "sig"),
        ("exception", "throws Failure", "throws Other", "sig"),
        ("parameter", "int... rest", "int[] rest", "sig"),
        ("doc comment", "Adds.", "Adds up.", "doc"),
    ),
)
C = Sample(
    "a.c",
    '\n#define LIMIT 32\n/** Adds. */\nstatic int total(const int a, char *b) {\n  if (a > 1) {\n    log("x");\n  }\n  return a ? 1 : LIMIT;\n}\n',
    "total",
    (("layout", "static int total(const int a, char *b) {", "static int\ntotal (const int a, char* b)\n{"), ("comment", "return", "/* now */ return")),
    (
        ("out of the block", '    log("x");\n  }', '  }\n  log("x");', "body"),
        ("linkage", "static int", "int", "sig"),
        ("doc comment", "Adds.", "Adds up.", "doc"),
    ),
)  # fmt: skip
CPP = Sample(
    "a.cpp",
    '\nnamespace acme {\ntemplate <typename T>\nclass Invoice : public Base {\n public:\n  /// Adds.\n  int total(int a) const { if (a) { log("x"); } return a; }\n};\n}\n',
    "acme::Invoice::total",
    (("layout", '{ if (a) { log("x"); } return a; }', '\n  {\n    if (a)\n    {\n      log("x");\n    }\n    return a;\n  }'),),
    (("out of the block", '{ log("x"); }', '{ } log("x");', "body"), ("const", ") const {", ") {", "sig"), ("doc comment", "Adds.", "Adds up.", "doc")),
)  # fmt: skip
CSHARP = Sample(
    "a.cs",
    '\nusing System;\nusing Acme;\nnamespace Billing {\n  class Invoice {\n    /// <summary>Adds.</summary>\n    public static int Total(int a) { if (a > 1) { Log("x"); } return a; }\n  }\n}\n',
    "Billing.Invoice.Total",
    (("order of usings", "using System;\nusing Acme;", "using Acme;\nusing System;"), ("order of modifiers", "public static", "static public"), ("layout", "{ if (a", "{\n if (a")),
    (("out of the block", '{ Log("x"); }', '{ } Log("x");', "body"), ("attribute", "public static", "[Old] public static", "sig"), ("doc comment", "Adds.", "Adds up.", "doc")),
)  # fmt: skip
RUBY = Sample(
    "a.rb",
    "\nmodule Acme\n  class Invoice < Base\n    # Adds.\n    def total(lines, kind = 'x')\n      if lines\n        log('x')\n      end\n      lines.size\n    end\n  end\nend\n",
    "Acme.Invoice.total",
    (("quotes", "log('x')", 'log("x")'), ("comment", "lines.size", "lines.size # all"), ("semicolon", "      if lines\n", "      if lines;\n")),
    (("out of the block", "        log('x')\n      end", "      end\n      log('x')", "body"), ("default", "= 'x')", "= 'y')", "sig"), ("doc comment", "Adds.", "Adds up.", "doc")),
)  # fmt: skip
PHP = Sample(
    "a.php",
    "<?php\nclass Invoice {\n  /** Adds. */\n  public function total(int $a): int {\n    if ($a) {\n      log('x');\n    }\n    return [1, 2];\n  }\n}\n",
    "Invoice.total",
    (("quotes", "'x'", '"x"'), ("trailing comma", "[1, 2]", "[1, 2,]"), ("comment", "return", "// now\n    return")),
    (("out of the block", "      log('x');\n    }", "    }\n    log('x');", "body"), ("visibility", "public", "private", "sig"), ("doc comment", "Adds.", "Adds up.", "doc")),
)  # fmt: skip

SAMPLES = (JAVASCRIPT, TYPESCRIPT, GO, RUST, JAVA, C, CPP, CSHARP, RUBY, PHP)
