"""Configuration of Sphinx for the documentation site (`make docs`). It asks no other host for anything."""

project = "shelfwise"
author = "the shelfwise contributors"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "shelfwise"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_search_summary = False  # it fetches pages, which a browser refuses where they are files
html_static_path = ["static"]
html_css_files = ["wide.css"]
exclude_patterns = ["conf.py"]
myst_heading_anchors = 4  # links to headings are checked, as those to pages are
nitpicky = True
pygments_style = "friendly"
pygments_dark_style = "monokai"
highlight_language = "text"
