"""Selecting leaves of a tree by path: text to selector, selector and paths to leaves."""

from lossdsl.selectors.close import close as close
from lossdsl.selectors.match import relative as relative
from lossdsl.selectors.match import resolve as resolve
from lossdsl.selectors.match import select as select
from lossdsl.selectors.paths import Flat as Flat
from lossdsl.selectors.paths import duplicates as duplicates
from lossdsl.selectors.paths import flatten as flatten
from lossdsl.selectors.paths import normal_paths as normal_paths
from lossdsl.selectors.selector import EVERYTHING as EVERYTHING
from lossdsl.selectors.selector import Problem as Problem
from lossdsl.selectors.selector import Selector as Selector
from lossdsl.selectors.selector import parse_selector as parse_selector
