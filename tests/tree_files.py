# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The files of the tree, with or without git: for tests that look at sources and documents."""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def tree_files():
    """Paths from ROOT: none of a build, of a version control system, or hidden."""
    for top, folders, names in os.walk(ROOT):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "build", "__pycache__")))
        yield from (os.path.relpath(os.path.join(top, name), ROOT) for name in sorted(names))
