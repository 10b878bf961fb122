"""Invoices."""

from dataclasses import dataclass

from shop.money import VAT_PERCENT
from shop.rounding import round_half_even


@dataclass
class Line:
    """One line of an invoice."""

    cents: int
    count: int


@dataclass
class Invoice:
    """What a customer pays."""

    lines: list[Line]

    def total(self) -> int:
        """Cents, tax included."""
        net = sum(line.cents * line.count for line in self.lines)
        return round_half_even(net * (100 + VAT_PERCENT), 100)
