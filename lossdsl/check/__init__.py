"""Checking: from a syntax tree to typed core, with everything that is wrong with it."""

from lossdsl.check.check import CheckResult as CheckResult
from lossdsl.check.check import check as check
from lossdsl.check.check import check_library as check_library
