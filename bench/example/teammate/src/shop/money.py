"""Whole cents."""

VAT_PERCENT = 19
