"""How the documentation is built; `make docs` does it, without network."""

project = "autocakechat"
author = "The autocakechat authors"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "autocakechat"
html_copy_source = False
nitpicky = True
myst_heading_anchors = 3
# The last line of a table of contents takes in whatever was not named before, which may be nothing.
suppress_warnings = ["toc.empty_glob"]
